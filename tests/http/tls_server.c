/* SPDX-License-Identifier: MIT */
/*
 * tls_server.c - the key and its certificate are made at the start, for
 * 127.0.0.1, so that nothing is wrong with it but who signed it.
 */
#include "tls_server.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>
#include "listener.h"
#include "support.h"

#define VALID_S (60 * 60)

static SSL_CTX *context;
static int connections, talks; /* atomic: each connection is a thread */

static void talk(void *unused, int fd)
{
    SSL *ssl = SSL_new(context);
    char byte;

    __atomic_add_fetch(&connections, 1, __ATOMIC_SEQ_CST);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1) {
        __atomic_add_fetch(&talks, 1, __ATOMIC_SEQ_CST);
    }
    SSL_free(ssl);
    close(fd);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    X509_EXTENSION *place = X509V3_EXT_conf_nid(NULL, NULL,
                                                NID_subject_alt_name,
                                                "IP:127.0.0.1");

    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -VALID_S);
    X509_gmtime_adj(X509_getm_notAfter(x509), VALID_S);
    X509_set_pubkey(x509, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"127.0.0.1", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_add_ext(x509, place, -1);
    X509_EXTENSION_free(place);
    ck_assert_int_gt(X509_sign(x509, key, EVP_sha256()), 0);
    return x509;
}

int tls_start(void)
{
    static listener_t listener = {.talk = talk};
    EVP_PKEY *key = EVP_EC_gen("P-256");

    context = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate(context, certificate_of(key)), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
    listener_up(&listener);
    return listener.port;
}

int tls_connections(void)
{
    return __atomic_load_n(&connections, __ATOMIC_SEQ_CST);
}

int tls_talks(void)
{
    return __atomic_load_n(&talks, __ATOMIC_SEQ_CST);
}
