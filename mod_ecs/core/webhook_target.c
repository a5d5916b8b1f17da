/* SPDX-License-Identifier: MIT */
/*
 * webhook_target.c - networks that webhooks do not go into, and the form of an
 * endpoint's URL.
 */
#include "webhook_target.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

typedef struct network4_t {
    unsigned char first[4];
    int bits;
} network4_t;

static const network4_t special4[] = {
    { { 0, 0, 0, 0 }, 8 },       /* this network */
    { { 10, 0, 0, 0 }, 8 },      /* private */
    { { 100, 64, 0, 0 }, 10 },   /* a provider's own */
    { { 127, 0, 0, 0 }, 8 },     /* loopback */
    { { 169, 254, 0, 0 }, 16 },  /* link-local; clouds' metadata */
    { { 172, 16, 0, 0 }, 12 },   /* private */
    { { 192, 0, 0, 0 }, 24 },    /* protocols */
    { { 192, 0, 2, 0 }, 24 },    /* documentation */
    { { 192, 88, 99, 0 }, 24 },  /* 6to4 relays */
    { { 192, 168, 0, 0 }, 16 },  /* private */
    { { 198, 18, 0, 0 }, 15 },   /* benchmarks */
    { { 198, 51, 100, 0 }, 24 }, /* documentation */
    { { 203, 0, 113, 0 }, 24 },  /* documentation */
    { { 224, 0, 0, 0 }, 3 },     /* multicast, reserved, broadcast */
};

typedef struct network6_t {
    unsigned char first[6];
    int bits;
} network6_t;

/* Of 2000::/3; everything outside of it is special. */
static const network6_t special6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocols, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4 */
    { { 0x3f, 0xff }, 20 },             /* documentation */
};

static int is_in(const unsigned char *address, const unsigned char *first,
                 int bits)
{
    int bytes = bits / 8, rest = bits % 8;
    unsigned mask = 0xffu & ~(0xffu >> rest);

    return memcmp(address, first, (size_t)bytes) == 0
        && (rest == 0 || (address[bytes] & mask) == (first[bytes] & mask));
}

static int is_public4(const unsigned char *address)
{
    size_t i;

    for (i = 0; i < sizeof(special4) / sizeof(special4[0]); i++) {
        if (is_in(address, special4[i].first, special4[i].bits)) {
            return 0;
        }
    }
    return 1;
}

static int is_public6(const unsigned char *address)
{
    static const unsigned char mapped[12] = {
        [10] = 0xff, [11] = 0xff
    };
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const unsigned char global[1] = { 0x20 };
    size_t i;

    if (is_in(address, mapped, 96) || is_in(address, nat64, 96)) {
        return is_public4(address + 12);
    }
    if (!is_in(address, global, 3)) {
        return 0;
    }
    for (i = 0; i < sizeof(special6) / sizeof(special6[0]); i++) {
        if (is_in(address, special6[i].first, special6[i].bits)) {
            return 0;
        }
    }
    return 1;
}

int ecs_webhook_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;

        return is_public4((const unsigned char *)&in->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;

        return is_public6((const unsigned char *)&in6->sin6_addr);
    }
    return 0;
}

/* ---- the URL ---- */

/* A host that is an address in figures, and not a public one; libcurl has made
 * 127.0.0.1 of 0x7f.1. */
static int is_private_host(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char bare[INET6_ADDRSTRLEN];

    if (!strcasecmp(host, "localhost")) {
        return 1;
    }
    if (inet_pton(AF_INET, host, address) == 1) {
        return !is_public4(address);
    }
    if (*host != '[') {
        return 0;
    }
    apr_cpystrn(bare, host + 1, sizeof(bare));
    bare[strcspn(bare, "]%")] = '\0';
    return inet_pton(AF_INET6, bare, address) != 1 || !is_public6(address);
}

static char *part(CURLU *url, CURLUPart what)
{
    char *text = NULL;

    return curl_url_get(url, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static const char *check_parts(CURLU *url, int allow_private)
{
    char *scheme = part(url, CURLUPART_SCHEME);
    char *host = part(url, CURLUPART_HOST);
    char *user = part(url, CURLUPART_USER);
    char *password = part(url, CURLUPART_PASSWORD);
    char *fragment = part(url, CURLUPART_FRAGMENT);
    const char *error = NULL;

    if (!scheme || !host
        || (strcmp(scheme, "https") && strcmp(scheme, "http"))) {
        error = "Enter a valid URL.";
    }
    else if (user || password || fragment) {
        error = "No user, password or fragment may be in it.";
    }
    else if (!allow_private && !strcmp(scheme, "http")) {
        error = "It has to begin with https://.";
    }
    else if (!allow_private && is_private_host(host)) {
        error = "It is not an address of the Internet.";
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_free(fragment);
    return error;
}

const char *ecs_webhook_url_check(apr_pool_t *p, const char *url,
                                  int allow_private)
{
    CURLU *parsed = curl_url();
    const char *error = "Enter a valid URL.";

    if (parsed && !strpbrk(url, " \t")
        && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        error = check_parts(parsed, allow_private);
    }
    curl_url_cleanup(parsed);
    return error;
}
