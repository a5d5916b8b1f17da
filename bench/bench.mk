# SPDX-License-Identifier: MIT
#
# bench.mk - the rule of prepare.c, read by bench/run behind the Makefile:
#   make -f Makefile -f bench/bench.mk build/bench/prepare

$(BUILD)/bench/prepare: $(BUILD)/obj/bench/prepare.o $(CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) $(APR_LIBS)
