/* SPDX-License-Identifier: MIT */
/*
 * contract.h - every answer is held against what the shop promises: the
 * OpenAPI document it serves, and the rules that hold for all answers
 * (api.md, Conventions).
 */
#ifndef TEST_CONTRACT_H
#define TEST_CONTRACT_H

#include <jansson.h>
#include "client.h"

/**
 * The document, read once from /api/openapi.json.
 */
json_t *contract_document(void);

/**
 * Follow a "$ref" of the document; anything else is returned as it is.
 */
json_t *contract_resolve(json_t *node);

/**
 * The operation that serves a request.
 * @param path      as requested; the query does not matter
 * @param template  out: the path of the document ("/api/orders/{id}/"), NULL
 *                  when none fits; may be NULL
 * @return NULL when the document has no such path or method
 */
json_t *contract_operation(const char *method, const char *path,
                           const char **template);

/**
 * Does the reply keep the promises?
 * @return NULL, or what is wrong
 */
const char *contract_check(const reply_t *reply);

#endif
