/* SPDX-License-Identifier: MIT */
/*
 * wallet.c - balances, movements, money in and out, and the ledger's own proof.
 *
 * All of it happens in sql/api/60_wallet.sql; the proof is in 90_audit.sql.
 */
#include "api.h"

#define WITHDRAWAL_STATES "REQUESTED APPROVED REJECTED"
#define WITHDRAWAL_WORD "REQUESTED|APPROVED|REJECTED"
#define RECIPIENT_MAX 254 /* characters, of an e-mail */
#define REFERENCE_MAX 100 /* characters */
#define NOTE_MAX 200      /* characters */
#define REASON_MAX 500    /* characters */

/* ---- fields ---- */

#define AMOUNT                                                                \
    { .name = "amount", .type = ECS_T_MONEY, .flags = ECS_REQUIRED, .min = 1 }

#define USER_ID                                                               \
    { .name = "user_id", .type = ECS_T_ID, .in = ECS_IN_PATH,                 \
      .help = "Owner of the wallet." }

#define WITHDRAWAL_ID                                                         \
    { .name = "id", .type = ECS_T_ID, .in = ECS_IN_PATH,                      \
      .help = "Withdrawal." }

static const ecs_field_t transaction_fields[] = {
    ECS_TRANSFER_FILTERS,
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t transfer_fields[] = {
    { .name = "recipient", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = RECIPIENT_MAX, .help = "E-mail or username of another buyer." },
    AMOUNT,
    { .name = "note", .type = ECS_T_STRING, .flags = ECS_BLANK,
      .max = NOTE_MAX, .help = "Both of you can read it." },
    { NULL },
};

static const ecs_field_t withdraw_fields[] = {
    AMOUNT,
    { NULL },
};

static const ecs_field_t withdrawal_list_fields[] = {
    { .name = "status", .type = ECS_T_CHOICE, .in = ECS_IN_QUERY,
      .choices = WITHDRAWAL_STATES },
    ECS_PAGING,
    { NULL },
};

static const ecs_field_t withdrawal_id_fields[] = {
    WITHDRAWAL_ID,
    { NULL },
};

static const ecs_field_t withdrawal_reject_fields[] = {
    WITHDRAWAL_ID,
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "Its owner reads it." },
    { NULL },
};

static const ecs_field_t user_id_fields[] = {
    USER_ID,
    { NULL },
};

static const ecs_field_t deposit_fields[] = {
    USER_ID,
    AMOUNT,
    { .name = "reference", .type = ECS_T_STRING, .flags = ECS_REQUIRED,
      .max = REFERENCE_MAX,
      .help = "Names the payment, say by the bank's number. Each is paid in "
              "once." },
    { .name = "reason", .type = ECS_T_TEXT, .flags = ECS_REQUIRED,
      .max = REASON_MAX, .help = "For the audit log." },
    { NULL },
};

/* ---- the rows ---- */

const ecs_route_t ecs_wallet_routes[] = {
    {
        .method = "GET",
        .path = "/api/wallet/",
        .roles = ECS_ANY_ROLE,
        .call = "wallet_get",
        .status = 200,
        .answer = "Wallet",
        .summary = "The caller's money",
        .description = "`balance` can be spent; `held_balance` is in escrow "
                       "for orders, or waits to be paid out.",
    },
    {
        .method = "GET",
        .path = "/api/wallet/transactions/",
        .roles = ECS_ANY_ROLE,
        .flags = ECS_R_LIST,
        .fields = transaction_fields,
        .call = "wallet_transactions",
        .status = 200,
        .answer = "Transaction",
        .summary = "Every movement of the caller's wallet, newest first",
    },
    {
        .method = "POST",
        .path = "/api/wallet/transfer/",
        .roles = ECS_BUYERS,
        .fields = transfer_fields,
        .call = "wallet_transfer",
        .status = 201,
        .answer = "Transaction",
        .errors = "insufficient_funds",
        .summary = "Send money to another buyer",
        .description = "Answers the movement as the sender sees it.",
    },
    {
        .method = "POST",
        .path = "/api/wallet/withdraw/",
        .roles = ECS_BUYERS,
        .fields = withdraw_fields,
        .call = "wallet_withdraw",
        .status = 201,
        .answer = "Withdrawal",
        .errors = "insufficient_funds",
        .summary = "Ask for money to be paid out",
        .description = "The amount is held until an administrator decides.",
    },
    {
        .method = "GET",
        .path = "/api/wallet/withdrawals/",
        .roles = ECS_BUYERS,
        .flags = ECS_R_LIST,
        .fields = withdrawal_list_fields,
        .call = "wallet_withdrawals",
        .status = 200,
        .answer = "Withdrawal",
        .summary = "The caller's withdrawals, newest first",
    },
    {
        .method = "GET",
        .path = "/api/wallet/admin/withdrawals/",
        .roles = ECS_ADMINS,
        .flags = ECS_R_LIST,
        .fields = withdrawal_list_fields,
        .call = "wallet_admin_withdrawals",
        .status = 200,
        .answer = "Withdrawal",
        .summary = "Everybody's withdrawals, newest first",
    },
    {
        .method = "POST",
        .path = "/api/wallet/admin/withdrawals/{id}/approve/",
        .roles = ECS_ADMINS,
        .fields = withdrawal_id_fields,
        .call = "wallet_withdrawal_approve",
        .status = 200,
        .answer = "Withdrawal",
        .errors = "wrong_state",
        .summary = "Pay a withdrawal out",
        .description = "What was held leaves the shop. Decided once.",
    },
    {
        .method = "POST",
        .path = "/api/wallet/admin/withdrawals/{id}/reject/",
        .roles = ECS_ADMINS,
        .fields = withdrawal_reject_fields,
        .call = "wallet_withdrawal_reject",
        .status = 200,
        .answer = "Withdrawal",
        .errors = "wrong_state",
        .summary = "Refuse a withdrawal",
        .description = "What was held can be spent again. Decided once.",
    },
    {
        .method = "GET",
        .path = "/api/wallet/admin/audit/",
        .roles = ECS_ADMINS,
        .call = "wallet_audit",
        .status = 200,
        .answer = "Audit",
        .summary = "The proof of the books",
        .description =
            "Everything stored beside what it follows from is computed again, "
            "at one moment. Where a figure is \"n of m\", n rows of m break "
            "the invariant.",
    },
    {
        .method = "GET",
        .path = "/api/wallet/admin/{user_id}/",
        .roles = ECS_ADMINS,
        .fields = user_id_fields,
        .call = "wallet_admin_get",
        .status = 200,
        .answer = "OwnedWallet",
        .summary = "Anybody's wallet",
    },
    {
        .method = "POST",
        .path = "/api/wallet/admin/{user_id}/deposit/",
        .roles = ECS_ADMINS,
        .fields = deposit_fields,
        .call = "wallet_deposit",
        .status = 201,
        .answer = "Transaction",
        .errors = "duplicate",
        .summary = "Record money that came in for a buyer",
        .description =
            "A reference that was used is refused, and `transaction` names "
            "the movement that used it. Answers the movement as the owner "
            "sees it.",
    },
    { NULL },
};

const ecs_schema_t ecs_wallet_schemas[] = {
    { "Wallet", "What a user can spend and what is held.",
      "balance:money held_balance:money currency:str" },
    { "OwnedWallet", "A wallet and whose it is.",
      "user:Person role:user|seller|delivery|admin|superadmin balance:money "
      "held_balance:money currency:str" },
    { "Transaction",
      "A movement as the owner of a wallet sees it: negative when money left, "
      "or is held now. reference is what a deposit was named by, the number "
      "of an order, or a note.",
      "id:id type:" ECS_TRANSFER_KIND_WORD " amount:money balance_after:money "
      "held_after:money reference:str? order:id? auction:id? "
      "created_at:time" },
    { "Withdrawal", "Money on its way out.",
      "id:id user:Person amount:money status:" WITHDRAWAL_WORD " "
      "reason:text? created_at:time decided_at:time?" },
    { "Invariant", "What has to be true, what was found, and whether it is.",
      "name:str figure:str holds:bool" },
    { "Audit", "The proof of the books.",
      "all_hold:bool checked_at:time invariants:[Invariant]" },
    { NULL },
};
