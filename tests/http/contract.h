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
 * Does the reply keep the promises?
 * @return NULL, or what is wrong
 */
const char *contract_check(const reply_t *reply);

#endif
