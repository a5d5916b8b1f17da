# SPDX-License-Identifier: MIT
# mod_ecs - `make help` lists the targets.
#
# Everything made lands in BUILD (build/), everything that runs keeps its state
# in var/ (the demo) or in a temporary directory (the tests).

BUILD ?= build
CORES := $(shell nproc)
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif

# What was asked of a tool is asked once, and only when a recipe needs it, so
# that `make deps` works where apxs and pkg-config are not installed yet.
ask = $(eval $(1) := $$(shell $(2)))$($(1))
APXS_FLAGS = $(call ask,APXS_FLAGS,apxs -q EXTRA_CPPFLAGS)
HTTPD_INC = $(call ask,HTTPD_INC,apxs -q INCLUDEDIR)
LIBEXECDIR = $(call ask,LIBEXECDIR,apxs -q LIBEXECDIR)
MACHINE = $(call ask,MACHINE,$(CC) -dumpmachine)
PACKAGES = jansson libjwt libqrencode libpng openssl libpq libcurl
PKG_FLAGS = $(call ask,PKG_FLAGS,apr-1-config --includes --cppflags; \
    apu-1-config --includes; pkg-config --cflags $(PACKAGES))
APR_LIBS = $(call ask,APR_LIBS,apr-1-config --link-ld --libs; \
    apu-1-config --link-ld)

# Other people's headers are not warned about.
foreign = $(patsubst -I%,-isystem %,$(filter-out -I/usr/include,$(1)))

# SANITIZE=1 (make check-asan) puts AddressSanitizer and UBSan in; a build with
# other flags belongs in a BUILD of its own.
OPTIMISE = -O2 -D_FORTIFY_SOURCE=2
ifdef SANITIZE
OPTIMISE = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined
endif
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers -Werror
HARDEN = -fstack-protector-strong -fvisibility=hidden \
    $(if $(findstring x86_64,$(MACHINE)),-fstack-clash-protection \
    -fcf-protection)
ALL_CFLAGS = -std=gnu11 -g $(OPTIMISE) -fPIC $(HARDEN) $(WARN) -iquote include \
    $(APXS_FLAGS) $(call foreign,$(PKG_FLAGS)) $(CFLAGS)
ALL_LDFLAGS = -Wl,-z,relro,-z,now -Wl,--as-needed \
    $(if $(SANITIZE),-fsanitize=address$(comma)undefined) $(LDFLAGS)
comma := ,
CORE_LIBS = -ljansson -ljwt -lqrencode -lpng16 -lcurl -lcrypto -lcrypt \
    -lpthread -lm
IMAGE_LIBS = -ljpeg -lpng16 -lwebp -llcms2 -lm
CHECK_LIBS = -lcheck -lsubunit -lm -lrt -lpthread

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))
programs = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard $(1)))
CORE = $(call objects,mod_ecs/core/*.c)
HTTPD = $(call objects,mod_ecs/mod_ecs.c mod_ecs/server/*.c mod_ecs/api/*.c)
CTL = $(call objects,mod_ecs/ctl/*.c)
IMAGE = $(call objects,mod_ecs/image/*.c)
UNIT = $(call programs,tests/unit/test_*.c)
HTTP = $(call programs,tests/http/test_*.c tests/http/story.c)
UNIT_AIDS = $(filter-out $(UNIT:$(BUILD)/%=$(BUILD)/obj/%.o),\
    $(call objects,tests/unit/*.c))
HTTP_AIDS = $(filter-out $(HTTP:$(BUILD)/%=$(BUILD)/obj/%.o),\
    $(call objects,tests/http/*.c))

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: build deps demo demo-stop demo-reset demo-status check check-unit \
    check-sql check-http check-asan story bench bench-auction lint install \
    uninstall clean help tests-unit tests-http FORCE
.SECONDARY:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n",$$1,$$2}' \
	    $(firstword $(MAKEFILE_LIST))

deps: ## install the Debian packages that are missing
	@conf/private/deps

build: $(BUILD)/mod_ecs.so $(BUILD)/ecsctl $(BUILD)/ecs-image ## build the module and its programs (default)

demo: deps ## build and run the demo shop, print how to use it
	@$(MAKE) --no-print-directory -j$(CORES) build
	@conf/private/demo start

demo-stop: ## stop the demo shop, keep its data
	@conf/private/demo stop

demo-reset: deps ## start the demo shop over, with fresh data
	@$(MAKE) --no-print-directory -j$(CORES) build
	@conf/private/demo reset

demo-status: ## say whether the demo shop runs, and where
	@conf/private/demo status || true

check: deps ## run all tests, on private instances of their own
	@$(MAKE) --no-print-directory -j$(CORES) build tests-unit tests-http
	@BUILD=$(BUILD) tests/run unit sql http story

check-unit: deps ## run the tests of core/, without a server
	@$(MAKE) --no-print-directory -j$(CORES) tests-unit
	@BUILD=$(BUILD) tests/run unit

check-sql: deps ## run the pgTAP tests of the database
	@$(MAKE) --no-print-directory -j$(CORES) build
	@BUILD=$(BUILD) tests/run sql

check-http: deps ## run the tests over HTTP
	@$(MAKE) --no-print-directory -j$(CORES) build tests-http
	@BUILD=$(BUILD) tests/run http

check-asan: deps ## run the unit and HTTP tests under ASan and UBSan
	@$(MAKE) --no-print-directory -j$(CORES) BUILD=$(BUILD)/asan SANITIZE=1 \
	    build tests-unit
	@$(MAKE) --no-print-directory -j$(CORES) build tests-http
	@BUILD=$(BUILD) tests/run asan

story: deps ## play orders and an auction from listing to payout
	@$(MAKE) --no-print-directory -j$(CORES) build tests-http
	@BUILD=$(BUILD) tests/run story

bench: deps ## measure the shop beside pgbench
	@$(MAKE) --no-print-directory -j$(CORES) build
	@BUILD=$(BUILD) bench/run

bench-auction: deps ## measure bids, on one auction and on many
	@$(MAKE) --no-print-directory -j$(CORES) build
	@BUILD=$(BUILD) bench/auction

lint: ## check the rules of the house
	@tests/lint/run

install: build ## install the module, ecsctl, SQL and conf (DESTDIR, PREFIX)
	install -d $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PREFIX)/bin \
	    $(DESTDIR)$(PREFIX)/share/mod_ecs/sql/migrations \
	    $(DESTDIR)$(PREFIX)/share/mod_ecs/sql/api \
	    $(DESTDIR)/etc/apache2/mods-available $(DESTDIR)/etc/mod_ecs/mail
	install -m 644 $(BUILD)/mod_ecs.so $(DESTDIR)$(LIBEXECDIR)/mod_ecs.so
	install -m 755 $(BUILD)/ecsctl $(BUILD)/ecs-image $(DESTDIR)$(PREFIX)/bin
	install -m 644 sql/*.sql $(DESTDIR)$(PREFIX)/share/mod_ecs/sql
	install -m 644 sql/migrations/*.sql \
	    $(DESTDIR)$(PREFIX)/share/mod_ecs/sql/migrations
	install -m 644 sql/api/*.sql $(DESTDIR)$(PREFIX)/share/mod_ecs/sql/api
	install -m 644 conf/ecs.load conf/ecs.conf \
	    $(DESTDIR)/etc/apache2/mods-available
	install -m 644 conf/dev.conf conf/staging.conf conf/production.conf \
	    conf/server.conf $(DESTDIR)/etc/mod_ecs
	for text in conf/mail/*.txt; do \
	    test -e $(DESTDIR)/etc/mod_ecs/mail/$${text##*/} || \
	    install -m 644 $$text $(DESTDIR)/etc/mod_ecs/mail; done

uninstall: ## remove what install put there (not the key file, not the data)
	rm -f $(DESTDIR)$(LIBEXECDIR)/mod_ecs.so
	cd $(DESTDIR)$(PREFIX)/bin && rm -f ecsctl ecs-image
	rm -rf $(DESTDIR)$(PREFIX)/share/mod_ecs
	cd $(DESTDIR)/etc/apache2/mods-available && rm -f ecs.load ecs.conf
	cd $(DESTDIR)/etc/mod_ecs && \
	    rm -f dev.conf staging.conf production.conf server.conf
	cd conf/mail && for text in *.txt; do \
	    cmp -s $$text $(DESTDIR)/etc/mod_ecs/mail/$$text && \
	    rm -f $(DESTDIR)/etc/mod_ecs/mail/$$text; done; true

clean: ## remove what was built
	rm -rf $(BUILD)

tests-unit: $(UNIT)
tests-http: $(HTTP)

# Objects are made again when the compiler or its flags change.
$(BUILD)/flags: FORCE
	@command -v apxs >/dev/null && command -v pkg-config >/dev/null || \
	    { echo 'apxs or pkg-config is missing: run `make deps`' >&2; exit 1; }
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' | \
	    cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)' >$@

# Only the glue sees httpd's headers: core/ and ctl/ cannot include them.
$(HTTPD): EXTRA = $(call foreign,-I$(HTTPD_INC))
$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/mod_ecs.so: $(CORE) $(HTTPD) $(BUILD)/flags
	@echo "  LINK  $@"
	@$(CC) -shared $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -lpq $(CORE_LIBS)

$(BUILD)/ecsctl: $(CORE) $(CTL) $(BUILD)/flags
	@echo "  LINK  $@"
	@$(CC) -pie $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -lpq $(CORE_LIBS) \
	    $(APR_LIBS)

# Decodes pictures of strangers, so it links nothing but what that takes.
$(BUILD)/ecs-image: $(IMAGE) $(BUILD)/flags
	@echo "  LINK  $@"
	@$(CC) -pie $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(IMAGE_LIBS)

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(UNIT_AIDS) $(CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ $(CHECK_LIBS) $(CORE_LIBS) $(APR_LIBS)

# The validator of answers is tested without a server, and tests the document.
$(BUILD)/tests/unit/test_openapi $(BUILD)/tests/unit/test_schema_check: \
    $(BUILD)/obj/tests/http/schema_check.o \
    $(BUILD)/obj/tests/http/schema_document.o

# Mails are sent to the server of the tests over HTTP.
$(BUILD)/tests/unit/test_mailer: $(BUILD)/obj/tests/http/smtp_server.o \
    $(BUILD)/obj/tests/http/listener.o

$(BUILD)/tests/http/%: $(BUILD)/obj/tests/http/%.o $(HTTP_AIDS) $(CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ -lcurl -lpq -lssl $(CHECK_LIBS) \
	    $(CORE_LIBS) $(APR_LIBS)

-include $(patsubst %.o,%.d,$(CORE) $(HTTPD) $(CTL) $(IMAGE) $(call objects,tests/*/*.c))
