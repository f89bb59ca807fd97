//! Random histories of a ledger: few ids, so that events collide; every flag and every wrong value now and then; copies
//! of earlier events with one field changed; posts and voids of what is pending; amounts at both ends of 64 bits.

use ledger::{
    AMOUNT_MAX, Account, AccountFilter, AccountFilterFlags, AccountFlags, QueryFilter, QueryFilterFlags, TIMESTAMP_MAX,
    Transfer, TransferFlags,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const SECOND: u64 = 1_000_000_000;

/// How many accounts there are at first.
const ACCOUNTS: usize = 8;

/// One thing that happens to a ledger.
#[derive(Debug, Clone)]
pub enum Step {
    /// Accounts are created.
    CreateAccounts(Vec<Account>),
    /// Transfers are created.
    CreateTransfers(Vec<Transfer>),
    /// So many nanoseconds pass.
    Tick(u64),
    /// The ledger is put together again from what was stored.
    Restart,
}

/// What happens to a ledger, from the first time on.
#[derive(Debug, Clone)]
pub struct History {
    /// The clock at the start.
    pub clock: u64,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// Histories of up to so many steps, each a batch of up to some events.
pub fn history(steps: usize) -> impl Strategy<Value = History> {
    let clock = prop_oneof![4 => Just(0), 2 => Just(1_700_000_000 * SECOND), 1 => Just(TIMESTAMP_MAX - 300 * SECOND)];
    (clock, first_accounts(), vec(draft(), 0..=steps)).prop_map(|(clock, first, drafts)| {
        let steps = std::iter::once(Step::CreateAccounts(first.clone())).chain(Writer::after(first).write(drafts));
        History { clock, steps: steps.collect() }
    })
}

/// A step whose events may refer to earlier ones.
#[derive(Debug, Clone)]
enum Draft {
    CreateAccounts(Vec<DraftAccount>),
    CreateTransfers { drafts: Vec<DraftTransfer>, all_new: bool },
    Step(Step),
}

#[derive(Debug, Clone)]
struct DraftAccount {
    account: Account,
    copies: Option<(Index, AccountField)>,
}

#[derive(Debug, Clone)]
struct DraftTransfer {
    transfer: Transfer,
    is_new: bool,
    refers: Option<(Index, Reference)>,
}

/// What a transfer does with an earlier one.
#[derive(Debug, Clone, Copy)]
enum Reference {
    /// The same again, with one field changed.
    Copy(TransferField),
    /// Posts or voids it, if it is pending.
    Resolve(Resolving),
}

/// What a post or void says.
#[derive(Debug, Clone, Copy)]
struct Resolving {
    voids: bool,
    debit_account: Given,
    credit_account: Given,
    ledger: Given,
    code: Given,
    amount: GivenAmount,
}

#[derive(Debug, Clone, Copy)]
enum Given {
    LeftOut,
    Right,
    Wrong,
}

#[derive(Debug, Clone, Copy)]
enum GivenAmount {
    Zero,
    Max,
    Less,
    All,
    More,
    Any,
}

#[derive(Debug, Clone, Copy)]
enum AccountField {
    None,
    Id,
    Flags,
    UserData128,
    UserData64,
    UserData32,
    Ledger,
    Code,
}

#[derive(Debug, Clone, Copy)]
enum TransferField {
    None,
    Id,
    Flags,
    PendingId,
    Timeout,
    DebitAccount,
    CreditAccount,
    Amount,
    UserData128,
    UserData64,
    UserData32,
    Ledger,
    Code,
}

fn draft() -> impl Strategy<Value = Draft> {
    prop_oneof![
        3 => vec(draft_account(), 0..8).prop_map(Draft::CreateAccounts),
        12 => (vec(draft_transfer(), 0..16), any::<bool>())
            .prop_map(|(drafts, all_new)| Draft::CreateTransfers { drafts, all_new }),
        4 => nanoseconds().prop_map(|passing| Draft::Step(Step::Tick(passing))),
        1 => Just(Draft::Step(Step::Restart)),
    ]
}

/// Whole seconds most often, and a little before and after: where timeouts end.
fn nanoseconds() -> impl Strategy<Value = u64> {
    (0_u64..4, 0_u64..20).prop_map(|(seconds, more)| (seconds * SECOND + more).saturating_sub(10))
}

fn draft_account() -> impl Strategy<Value = DraftAccount> {
    use AccountField::{Code, Flags, Id, Ledger, None, UserData32, UserData64, UserData128};
    let field = select(vec![None, Id, Flags, UserData128, UserData64, UserData32, Ledger, Code]);
    let copies = prop::option::weighted(0.3, (any::<Index>(), field));
    (account(), copies).prop_map(|(account, copies)| DraftAccount { account, copies })
}

fn draft_transfer() -> impl Strategy<Value = DraftTransfer> {
    use TransferField::{
        Amount, Code, CreditAccount, DebitAccount, Flags, Id, Ledger, None, PendingId, Timeout, UserData32, UserData64,
        UserData128,
    };
    let field = select(vec![
        None,
        Id,
        Flags,
        PendingId,
        Timeout,
        DebitAccount,
        CreditAccount,
        Amount,
        UserData128,
        UserData64,
        UserData32,
        Ledger,
        Code,
    ]);
    let reference = prop_oneof![1 => field.prop_map(Reference::Copy), 2 => resolving().prop_map(Reference::Resolve)];
    let refers = prop::option::weighted(0.5, (any::<Index>(), reference));
    (transfer(), prop::bool::weighted(0.7), refers).prop_map(|(transfer, is_new, refers)| DraftTransfer {
        transfer,
        is_new,
        refers,
    })
}

/// Accounts that are right, so that transfers have something to move.
fn first_accounts() -> impl Strategy<Value = Vec<Account>> {
    let limits = prop_oneof![
        4 => Just(AccountFlags::empty()),
        1 => Just(AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS),
        1 => Just(AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS),
    ];
    vec((limits, any::<bool>()), ACCOUNTS..=ACCOUNTS).prop_map(|kinds| {
        let account = |(number, (mut flags, keeps_history)): (usize, (AccountFlags, bool))| {
            flags.set(AccountFlags::HISTORY, keeps_history);
            let ledger = if number + 1 == ACCOUNTS { 2 } else { 1 };
            Account { id: number as u128 + 1, ledger, code: 1, flags, ..Account::default() }
        };
        kinds.into_iter().enumerate().map(account).collect()
    })
}

fn resolving() -> impl Strategy<Value = Resolving> {
    let given = || prop_oneof![12 => Just(Given::LeftOut), 12 => Just(Given::Right), 1 => Just(Given::Wrong)];
    let amount = prop_oneof![
        6 => Just(GivenAmount::Zero),
        6 => Just(GivenAmount::Max),
        3 => Just(GivenAmount::Less),
        6 => Just(GivenAmount::All),
        1 => Just(GivenAmount::More),
        1 => Just(GivenAmount::Any),
    ];
    (any::<bool>(), given(), given(), given(), given(), amount).prop_map(
        |(voids, debit_account, credit_account, ledger, code, amount)| Resolving {
            voids,
            debit_account,
            credit_account,
            ledger,
            code,
            amount,
        },
    )
}

fn account() -> impl Strategy<Value = Account> {
    let user_data = (mostly(0, 1_u128..3), mostly(0, 1_u64..3), mostly(0, 1_u32..3));
    let balance = (seldom(1_u64), seldom(1_u64), seldom(1_u64), seldom(1_u64));
    let kind = (prop_oneof![20 => Just(1), 4 => Just(2), 1 => Just(0)], prop_oneof![20 => 1_u16..3, 1 => Just(0)]);
    (id(10), user_data, balance, kind, account_flags(), seldom(1_u32), seldom(1_u64)).prop_map(
        |(id, user_data, balance, (ledger, code), flags, reserved, timestamp)| Account {
            id,
            debits_pending: balance.0,
            debits_posted: balance.1,
            credits_pending: balance.2,
            credits_posted: balance.3,
            user_data_128: user_data.0,
            user_data_64: user_data.1,
            user_data_32: user_data.2,
            reserved,
            ledger,
            code,
            flags,
            timestamp,
        },
    )
}

fn account_flags() -> impl Strategy<Value = AccountFlags> {
    let chances = vec![
        (AccountFlags::LINKED.bits(), 0.15),
        (AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS.bits(), 0.15),
        (AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS.bits(), 0.15),
        (AccountFlags::HISTORY.bits(), 0.4),
        (AccountFlags::CLOSED.bits(), 0.03),
        (AccountFlags::IMPORTED.bits(), 0.02),
        (1 << 15, 0.02),
    ];
    bits(chances).prop_map(AccountFlags::from_bits_retain)
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let accounts = prop_oneof![3 => different_accounts(), 1 => (account_id(), account_id())];
    let user_data = (mostly(0, 1_u128..3), mostly(0, 1_u64..3), mostly(0, 1_u32..3));
    let kind = (prop_oneof![60 => Just(1), 2 => Just(2), 1 => Just(0)], prop_oneof![60 => 1_u16..3, 1 => Just(0)]);
    let pending_id = prop_oneof![60 => Just(0), 1 => id(40)];
    (id(40), accounts, amount(), pending_id, user_data, timeout(), kind, transfer_flags(), rarely(1_u64)).prop_map(
        |(id, accounts, amount, pending_id, user_data, timeout, (ledger, code), flags, timestamp)| Transfer {
            id,
            debit_account_id: accounts.0,
            credit_account_id: accounts.1,
            amount,
            pending_id,
            user_data_128: user_data.0,
            user_data_64: user_data.1,
            user_data_32: user_data.2,
            timeout: if flags.contains(TransferFlags::PENDING) || amount % 16 == 5 { timeout } else { 0 },
            ledger,
            code,
            flags,
            timestamp,
        },
    )
}

fn transfer_flags() -> impl Strategy<Value = TransferFlags> {
    let chances = vec![
        (TransferFlags::LINKED.bits(), 0.12),
        (TransferFlags::PENDING.bits(), 0.4),
        (TransferFlags::POST_PENDING_TRANSFER.bits(), 0.02),
        (TransferFlags::VOID_PENDING_TRANSFER.bits(), 0.02),
        (TransferFlags::BALANCING_DEBIT.bits(), 0.12),
        (TransferFlags::BALANCING_CREDIT.bits(), 0.12),
        (TransferFlags::CLOSING_DEBIT.bits(), 0.02),
        (TransferFlags::CLOSING_CREDIT.bits(), 0.02),
        (TransferFlags::IMPORTED.bits(), 0.01),
        (1 << 12, 0.01),
    ];
    bits(chances).prop_map(TransferFlags::from_bits_retain)
}

/// Each flag with its own chance.
fn bits(chances: Vec<(u16, f64)>) -> impl Strategy<Value = u16> {
    let one = |(bit, chance)| prop::bool::weighted(chance).prop_map(move |set| if set { bit } else { 0 });
    let all: Vec<_> = chances.into_iter().map(one).collect();
    all.prop_map(|bits| bits.into_iter().fold(0, |flags, bit| flags | bit))
}

fn different_accounts() -> impl Strategy<Value = (u128, u128)> {
    let others = ACCOUNTS as u128 - 1;
    (0..others, 1..others).prop_map(move |(debit, further)| (debit + 1, (debit + further) % others + 1))
}

/// Those that exist most often, among them seldom the one of another ledger.
fn account_id() -> impl Strategy<Value = u128> {
    prop_oneof![100 => 1..ACCOUNTS as u128, 3 => ACCOUNTS as u128..ACCOUNTS as u128 + 3, 1 => Just(0), 1 => Just(u128::MAX)]
}

fn id(count: u128) -> impl Strategy<Value = u128> {
    prop_oneof![40 => 1..=count, 1 => Just(0), 1 => Just(u128::MAX)]
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0),
        20 => 1_u64..20,
        3 => 20_u64..1000,
        2 => Just(AMOUNT_MAX),
        2 => Just(AMOUNT_MAX / 2),
        1 => AMOUNT_MAX - 1000..AMOUNT_MAX,
    ]
}

fn timeout() -> impl Strategy<Value = u32> {
    prop_oneof![8 => Just(0), 8 => 1_u32..4, 1 => Just(u32::MAX)]
}

fn mostly<T: Copy + std::fmt::Debug + 'static>(
    usual: T,
    others: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![4 => Just(usual), 1 => others]
}

fn seldom<T: Copy + Default + std::fmt::Debug + 'static>(value: T) -> impl Strategy<Value = T> {
    prop_oneof![30 => Just(T::default()), 1 => Just(value)]
}

fn rarely<T: Copy + Default + std::fmt::Debug + 'static>(value: T) -> impl Strategy<Value = T> {
    prop_oneof![120 => Just(T::default()), 1 => Just(value)]
}

/// Replaces references to earlier events by what they mean.
struct Writer {
    accounts: Vec<Account>,
    transfers: Vec<Transfer>,
    next_id: u128,
}

impl Writer {
    fn after(accounts: Vec<Account>) -> Self {
        Self { accounts, transfers: Vec::new(), next_id: 1 }
    }

    fn write(mut self, drafts: Vec<Draft>) -> Vec<Step> {
        drafts.into_iter().map(|draft| self.step(draft)).collect()
    }

    fn step(&mut self, draft: Draft) -> Step {
        match draft {
            Draft::CreateAccounts(drafts) => {
                let first = self.accounts.len();
                drafts.into_iter().for_each(|draft| self.account(draft));
                Step::CreateAccounts(self.accounts[first..].to_vec())
            }
            Draft::CreateTransfers { drafts, all_new } => {
                let first = self.transfers.len();
                drafts.into_iter().for_each(|draft| self.transfer(draft, all_new));
                Step::CreateTransfers(self.transfers[first..].to_vec())
            }
            Draft::Step(step) => step,
        }
    }

    fn account(&mut self, draft: DraftAccount) {
        let account = match draft.copies {
            Some((index, field)) => copy_account(*index.get(&self.accounts), field, draft.account),
            None => draft.account,
        };
        self.accounts.push(account);
    }

    fn transfer(&mut self, draft: DraftTransfer, all_new: bool) {
        let mut new = draft.transfer;
        if draft.is_new || all_new {
            new.id = self.next_id;
            self.next_id += 1;
        }
        let is_pending = |transfer: &&Transfer| transfer.flags.contains(TransferFlags::PENDING);
        let pending: Vec<Transfer> = self.transfers.iter().filter(is_pending).copied().collect();
        let transfer = match draft.refers {
            Some((index, Reference::Copy(field))) if !self.transfers.is_empty() && !all_new => {
                copy_transfer(*index.get(&self.transfers), field, new)
            }
            Some((index, Reference::Resolve(how))) if !pending.is_empty() => resolve(index.get(&pending), how, new),
            _ => new,
        };
        self.transfers.push(transfer);
    }
}

fn copy_account(copy: Account, field: AccountField, new: Account) -> Account {
    match field {
        AccountField::None => copy,
        AccountField::Id => Account { id: new.id, ..copy },
        AccountField::Flags => Account { flags: new.flags, ..copy },
        AccountField::UserData128 => Account { user_data_128: copy.user_data_128 ^ 1, ..copy },
        AccountField::UserData64 => Account { user_data_64: copy.user_data_64 ^ 1, ..copy },
        AccountField::UserData32 => Account { user_data_32: copy.user_data_32 ^ 1, ..copy },
        AccountField::Ledger => Account { ledger: copy.ledger ^ 1, ..copy },
        AccountField::Code => Account { code: copy.code ^ 1, ..copy },
    }
}

fn copy_transfer(copy: Transfer, field: TransferField, new: Transfer) -> Transfer {
    match field {
        TransferField::None => copy,
        TransferField::Id => Transfer { id: new.id, ..copy },
        TransferField::Flags => Transfer { flags: new.flags, ..copy },
        TransferField::PendingId => Transfer { pending_id: new.id, ..copy },
        TransferField::Timeout => Transfer { timeout: new.timeout, ..copy },
        TransferField::DebitAccount => Transfer { debit_account_id: new.debit_account_id, ..copy },
        TransferField::CreditAccount => Transfer { credit_account_id: new.credit_account_id, ..copy },
        TransferField::Amount => Transfer { amount: new.amount, ..copy },
        TransferField::UserData128 => Transfer { user_data_128: copy.user_data_128 ^ 1, ..copy },
        TransferField::UserData64 => Transfer { user_data_64: copy.user_data_64 ^ 1, ..copy },
        TransferField::UserData32 => Transfer { user_data_32: copy.user_data_32 ^ 1, ..copy },
        TransferField::Ledger => Transfer { ledger: copy.ledger ^ 1, ..copy },
        TransferField::Code => Transfer { code: copy.code ^ 1, ..copy },
    }
}

/// A post or void; what it says of itself is the random transfer's.
fn resolve(pending: &Transfer, how: Resolving, new: Transfer) -> Transfer {
    let kind = if how.voids { TransferFlags::VOID_PENDING_TRANSFER } else { TransferFlags::POST_PENDING_TRANSFER };
    Transfer {
        debit_account_id: give(how.debit_account, pending.debit_account_id),
        credit_account_id: give(how.credit_account, pending.credit_account_id),
        amount: match how.amount {
            GivenAmount::Zero => 0,
            GivenAmount::Max => AMOUNT_MAX,
            GivenAmount::Less => pending.amount.saturating_sub(1),
            GivenAmount::All => pending.amount,
            GivenAmount::More => pending.amount.saturating_add(1),
            GivenAmount::Any => new.amount,
        },
        pending_id: pending.id,
        timeout: if new.timeout == u32::MAX { 1 } else { 0 },
        ledger: give(how.ledger, pending.ledger),
        code: give(how.code, pending.code),
        flags: kind | new.flags.intersection(TransferFlags::LINKED),
        ..new
    }
}

fn give<T: Copy + Default + From<u8> + std::ops::BitXor<Output = T>>(given: Given, right: T) -> T {
    match given {
        Given::LeftOut => T::default(),
        Given::Right => right,
        Given::Wrong => right ^ T::from(4),
    }
}

/// A filter whose range of time is between moments that happened.
#[derive(Debug, Clone)]
pub struct Between<F> {
    filter: F,
    min: Option<Index>,
    max: Option<Index>,
}

impl Between<AccountFilter> {
    /// The filter, if these are the moments that happened.
    pub fn at(&self, moments: &[u64]) -> AccountFilter {
        let (timestamp_min, timestamp_max) = (moment(self.min, moments), moment(self.max, moments));
        AccountFilter { timestamp_min, timestamp_max, ..self.filter }
    }
}

impl Between<QueryFilter> {
    /// The filter, if these are the moments that happened.
    pub fn at(&self, moments: &[u64]) -> QueryFilter {
        let (timestamp_min, timestamp_max) = (moment(self.min, moments), moment(self.max, moments));
        QueryFilter { timestamp_min, timestamp_max, ..self.filter }
    }
}

/// The moment of the index, or one that cannot be where nothing happened.
fn moment(index: Option<Index>, moments: &[u64]) -> u64 {
    match index {
        Some(index) if moments.is_empty() => TIMESTAMP_MAX + u64::from(index.index(2) == 0),
        Some(index) => *index.get(moments),
        None => 0,
    }
}

/// Filters of one account's transfers and balances.
pub fn account_filter() -> impl Strategy<Value = Between<AccountFilter>> {
    let user_data = (mostly(0, 1_u128..3), mostly(0, 1_u64..3), mostly(0, 1_u32..3));
    let flags = (prop::bool::weighted(0.8), prop::bool::weighted(0.8), any::<bool>(), rarely(1_u32 << 9));
    (id(10), user_data, mostly(0, 1_u16..3), limit(), flags, range()).prop_map(
        |(account_id, user_data, code, limit, (debits, credits, reversed, unknown), (min, max))| {
            let mut flags = AccountFilterFlags::from_bits_retain(unknown);
            flags.set(AccountFilterFlags::DEBITS, debits);
            flags.set(AccountFilterFlags::CREDITS, credits);
            flags.set(AccountFilterFlags::REVERSED, reversed);
            let filter = AccountFilter {
                account_id,
                user_data_128: user_data.0,
                user_data_64: user_data.1,
                user_data_32: user_data.2,
                code,
                limit,
                flags,
                ..AccountFilter::default()
            };
            Between { filter, min, max }
        },
    )
}

/// Filters of accounts and transfers.
pub fn query_filter() -> impl Strategy<Value = Between<QueryFilter>> {
    let user_data = (mostly(0, 1_u128..3), mostly(0, 1_u64..3), mostly(0, 1_u32..3));
    let kind = (mostly(0, 1_u32..3), mostly(0, 1_u16..3));
    (user_data, kind, limit(), any::<bool>(), rarely(1_u32 << 9), range()).prop_map(
        |(user_data, (ledger, code), limit, reversed, unknown, (min, max))| {
            let mut flags = QueryFilterFlags::from_bits_retain(unknown);
            flags.set(QueryFilterFlags::REVERSED, reversed);
            let filter = QueryFilter {
                user_data_128: user_data.0,
                user_data_64: user_data.1,
                user_data_32: user_data.2,
                ledger,
                code,
                limit,
                flags,
                ..QueryFilter::default()
            };
            Between { filter, min, max }
        },
    )
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(u32::MAX), 6 => 1_u32..6, 1 => Just(0)]
}

fn range() -> impl Strategy<Value = (Option<Index>, Option<Index>)> {
    (prop::option::weighted(0.3, any::<Index>()), prop::option::weighted(0.3, any::<Index>()))
}
