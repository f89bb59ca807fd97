//! What became of each event of a batch: the reference's statuses, in its order of precedence.

use std::fmt;

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every status, in order of precedence.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The reference's name of the status.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::error::Error for $name {}
    };
}

statuses! {
    /// What became of an account in `create_accounts`.
    ///
    /// Imported events are not supported, so the statuses that only they can have are missing.
    CreateAccountStatus {
        /// It was created.
        Created = "created",
        /// Another event of its chain failed.
        LinkedEventFailed = "linked_event_failed",
        /// The last event of the batch is linked to a next one.
        LinkedEventChainOpen = "linked_event_chain_open",
        /// The batch's first event is imported, this one is not.
        ImportedEventExpected = "imported_event_expected",
        /// This event is imported, the batch's first is not.
        ImportedEventNotExpected = "imported_event_not_expected",
        /// The ledger sets timestamps, not the client.
        TimestampMustBeZero = "timestamp_must_be_zero",
        /// The reserved field is not 0.
        ReservedField = "reserved_field",
        /// A flag that means nothing, or that is not supported.
        ReservedFlag = "reserved_flag",
        /// 0 is no id.
        IdMustNotBeZero = "id_must_not_be_zero",
        /// 2^128 - 1 is no id.
        IdMustNotBeIntMax = "id_must_not_be_int_max",
        /// The account exists with other flags.
        ExistsWithDifferentFlags = "exists_with_different_flags",
        /// The account exists with other `user_data_128`.
        ExistsWithDifferentUserData128 = "exists_with_different_user_data_128",
        /// The account exists with other `user_data_64`.
        ExistsWithDifferentUserData64 = "exists_with_different_user_data_64",
        /// The account exists with other `user_data_32`.
        ExistsWithDifferentUserData32 = "exists_with_different_user_data_32",
        /// The account exists in another ledger.
        ExistsWithDifferentLedger = "exists_with_different_ledger",
        /// The account exists with another code.
        ExistsWithDifferentCode = "exists_with_different_code",
        /// The very same account exists.
        Exists = "exists",
        /// Two limits that exclude each other.
        FlagsAreMutuallyExclusive = "flags_are_mutually_exclusive",
        /// Only transfers move balances.
        DebitsPendingMustBeZero = "debits_pending_must_be_zero",
        /// Only transfers move balances.
        DebitsPostedMustBeZero = "debits_posted_must_be_zero",
        /// Only transfers move balances.
        CreditsPendingMustBeZero = "credits_pending_must_be_zero",
        /// Only transfers move balances.
        CreditsPostedMustBeZero = "credits_posted_must_be_zero",
        /// 0 is no ledger.
        LedgerMustNotBeZero = "ledger_must_not_be_zero",
        /// 0 is no code.
        CodeMustNotBeZero = "code_must_not_be_zero",
    }
}

statuses! {
    /// What became of a transfer in `create_transfers`.
    ///
    /// Imported events are not supported, so the statuses that only they can have are missing.
    CreateTransferStatus {
        /// It was created.
        Created = "created",
        /// Another event of its chain failed.
        LinkedEventFailed = "linked_event_failed",
        /// The last event of the batch is linked to a next one.
        LinkedEventChainOpen = "linked_event_chain_open",
        /// The batch's first event is imported, this one is not.
        ImportedEventExpected = "imported_event_expected",
        /// This event is imported, the batch's first is not.
        ImportedEventNotExpected = "imported_event_not_expected",
        /// The ledger sets timestamps, not the client.
        TimestampMustBeZero = "timestamp_must_be_zero",
        /// A flag that means nothing, or that is not supported.
        ReservedFlag = "reserved_flag",
        /// 0 is no id.
        IdMustNotBeZero = "id_must_not_be_zero",
        /// 2^128 - 1 is no id.
        IdMustNotBeIntMax = "id_must_not_be_int_max",
        /// The transfer exists with other flags.
        ExistsWithDifferentFlags = "exists_with_different_flags",
        /// The transfer exists with another `pending_id`.
        ExistsWithDifferentPendingId = "exists_with_different_pending_id",
        /// The transfer exists with another timeout.
        ExistsWithDifferentTimeout = "exists_with_different_timeout",
        /// The transfer exists with another debit account.
        ExistsWithDifferentDebitAccountId = "exists_with_different_debit_account_id",
        /// The transfer exists with another credit account.
        ExistsWithDifferentCreditAccountId = "exists_with_different_credit_account_id",
        /// The transfer exists with another amount.
        ExistsWithDifferentAmount = "exists_with_different_amount",
        /// The transfer exists with other `user_data_128`.
        ExistsWithDifferentUserData128 = "exists_with_different_user_data_128",
        /// The transfer exists with other `user_data_64`.
        ExistsWithDifferentUserData64 = "exists_with_different_user_data_64",
        /// The transfer exists with other `user_data_32`.
        ExistsWithDifferentUserData32 = "exists_with_different_user_data_32",
        /// The transfer exists in another ledger.
        ExistsWithDifferentLedger = "exists_with_different_ledger",
        /// The transfer exists with another code.
        ExistsWithDifferentCode = "exists_with_different_code",
        /// The very same transfer exists.
        Exists = "exists",
        /// A transfer with this id failed before for a reason that may have passed: it fails for ever.
        IdAlreadyFailed = "id_already_failed",
        /// Flags that exclude each other.
        FlagsAreMutuallyExclusive = "flags_are_mutually_exclusive",
        /// 0 is no account.
        DebitAccountIdMustNotBeZero = "debit_account_id_must_not_be_zero",
        /// 2^128 - 1 is no account.
        DebitAccountIdMustNotBeIntMax = "debit_account_id_must_not_be_int_max",
        /// 0 is no account.
        CreditAccountIdMustNotBeZero = "credit_account_id_must_not_be_zero",
        /// 2^128 - 1 is no account.
        CreditAccountIdMustNotBeIntMax = "credit_account_id_must_not_be_int_max",
        /// An account cannot pay itself.
        AccountsMustBeDifferent = "accounts_must_be_different",
        /// Only posts and voids have a `pending_id`.
        PendingIdMustBeZero = "pending_id_must_be_zero",
        /// A post or void says what it resolves.
        PendingIdMustNotBeZero = "pending_id_must_not_be_zero",
        /// 2^128 - 1 is no id.
        PendingIdMustNotBeIntMax = "pending_id_must_not_be_int_max",
        /// A transfer cannot resolve itself.
        PendingIdMustBeDifferent = "pending_id_must_be_different",
        /// Only pending transfers have a timeout.
        TimeoutReservedForPendingTransfer = "timeout_reserved_for_pending_transfer",
        /// Only a pending transfer can close an account.
        ClosingTransferMustBePending = "closing_transfer_must_be_pending",
        /// 0 is no ledger.
        LedgerMustNotBeZero = "ledger_must_not_be_zero",
        /// 0 is no code.
        CodeMustNotBeZero = "code_must_not_be_zero",
        /// There is no such debit account.
        DebitAccountNotFound = "debit_account_not_found",
        /// There is no such credit account.
        CreditAccountNotFound = "credit_account_not_found",
        /// The two accounts are of different ledgers.
        AccountsMustHaveTheSameLedger = "accounts_must_have_the_same_ledger",
        /// The transfer is of another ledger than its accounts.
        TransferMustHaveTheSameLedgerAsAccounts = "transfer_must_have_the_same_ledger_as_accounts",
        /// There is no transfer with the `pending_id`.
        PendingTransferNotFound = "pending_transfer_not_found",
        /// The transfer with the `pending_id` was never pending.
        PendingTransferNotPending = "pending_transfer_not_pending",
        /// The pending transfer has another debit account.
        PendingTransferHasDifferentDebitAccountId = "pending_transfer_has_different_debit_account_id",
        /// The pending transfer has another credit account.
        PendingTransferHasDifferentCreditAccountId = "pending_transfer_has_different_credit_account_id",
        /// The pending transfer is of another ledger.
        PendingTransferHasDifferentLedger = "pending_transfer_has_different_ledger",
        /// The pending transfer has another code.
        PendingTransferHasDifferentCode = "pending_transfer_has_different_code",
        /// More than what is pending.
        ExceedsPendingTransferAmount = "exceeds_pending_transfer_amount",
        /// A void is of the whole amount.
        PendingTransferHasDifferentAmount = "pending_transfer_has_different_amount",
        /// It has been posted.
        PendingTransferAlreadyPosted = "pending_transfer_already_posted",
        /// It has been voided.
        PendingTransferAlreadyVoided = "pending_transfer_already_voided",
        /// Its timeout has passed.
        PendingTransferExpired = "pending_transfer_expired",
        /// The debit account is closed.
        DebitAccountAlreadyClosed = "debit_account_already_closed",
        /// The credit account is closed.
        CreditAccountAlreadyClosed = "credit_account_already_closed",
        /// The debit account's pending debits would pass 64 bits.
        OverflowsDebitsPending = "overflows_debits_pending",
        /// The credit account's pending credits would pass 64 bits.
        OverflowsCreditsPending = "overflows_credits_pending",
        /// The debit account's posted debits would pass 64 bits.
        OverflowsDebitsPosted = "overflows_debits_posted",
        /// The credit account's posted credits would pass 64 bits.
        OverflowsCreditsPosted = "overflows_credits_posted",
        /// The debit account's debits in all would pass 64 bits.
        OverflowsDebits = "overflows_debits",
        /// The credit account's credits in all would pass 64 bits.
        OverflowsCredits = "overflows_credits",
        /// It would expire after the end of time (2^63 nanoseconds).
        OverflowsTimeout = "overflows_timeout",
        /// The debit account would be overdrawn.
        ExceedsCredits = "exceeds_credits",
        /// The credit account would be owed more than it gave.
        ExceedsDebits = "exceeds_debits",
    }
}

impl CreateTransferStatus {
    /// Whether the same request could succeed later. Such a failure is remembered, and the id fails for ever
    /// ([`CreateTransferStatus::IdAlreadyFailed`]): a retry never surprises whoever was told "no".
    pub fn transient(self) -> bool {
        matches!(
            self,
            Self::DebitAccountNotFound
                | Self::CreditAccountNotFound
                | Self::PendingTransferNotFound
                | Self::DebitAccountAlreadyClosed
                | Self::CreditAccountAlreadyClosed
                | Self::ExceedsCredits
                | Self::ExceedsDebits
        )
    }
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateResult<Status> {
    /// Whether it was created, or why not.
    pub status: Status,
    /// The timestamp of what was created or exists already; otherwise when the event was looked at.
    pub timestamp: u64,
}

/// What became of an account.
pub type CreateAccountResult = CreateResult<CreateAccountStatus>;
/// What became of a transfer.
pub type CreateTransferResult = CreateResult<CreateTransferStatus>;
