//! An engine on a bench: a folder, a clock that the test winds, and short ways to ask.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use engine::{Clock, Engine, OpenError};
use ids::{DepositId, OrderId, PaymentId, TapId};
use journal::Disk as _;
use money::Money;
use payments::{
    Action, Answer, BodyDigest, NewOrder, NewOrderAmount, Order, Owner, Pay, Payment, Rejection, Request, RequestKey,
    TagMode, Tap, UnixMillis, account_code,
};
use sim::FaultyDisk;
use tag::{SoftwareTag, TagKeys};
use tempfile::TempDir;

use crate::support::{START, account, chip, cny, keys, merchant, registered, tag_id, wallet};

pub(crate) type Verdict = Result<Answer, Rejection>;

#[derive(Clone)]
pub(crate) struct Watch(pub(crate) Arc<AtomicU64>);

impl Watch {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START.0)))
    }

    pub(crate) fn forward(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, milliseconds: u64) {
        self.0.fetch_sub(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn open_on(disk: &FaultyDisk, folder: &Path, watch: &Watch) -> Result<Engine, OpenError> {
    Engine::open_on(Arc::new(disk.clone()), folder, Box::new(watch.clone()))
}

/// Wallets 0 and 1 and merchant 0 have yuan; tag 0 is at a till, tag 1 stands alone.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) watch: Watch,
    pub(crate) engine: Engine,
    keys: TagKeys,
    chips: Mutex<Vec<SoftwareTag>>,
    made: AtomicU64,
}

pub(crate) fn open(folder: &Path, watch: &Watch) -> Result<Engine, OpenError> {
    Engine::open(folder, Box::new(watch.clone()))
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn in_folder(folder: TempDir) -> Self {
        let watch = Watch::new();
        let engine = open(folder.path(), &watch).unwrap();
        Self::with(folder, watch, engine)
    }

    /// With the journal on a disk that fails as planned.
    pub(crate) fn on_disk(disk: &FaultyDisk) -> Self {
        let (folder, watch) = (tempfile::tempdir().unwrap(), Watch::new());
        // The faulty disk knows what was created on it only.
        disk.create_directory(folder.path()).unwrap();
        let engine = open_on(disk, folder.path(), &watch).unwrap();
        Self::with(folder, watch, engine)
    }

    fn with(folder: TempDir, watch: Watch, engine: Engine) -> Self {
        let chips = Mutex::new((0..2).map(chip).collect());
        let bench = Self { folder, watch, engine, keys: keys(), chips, made: AtomicU64::new(0) };
        let owners = [
            (account_code::FLOAT, Owner::Platform),
            (account_code::WALLET, Owner::Wallet(wallet(0))),
            (account_code::WALLET, Owner::Wallet(wallet(1))),
            (account_code::MERCHANT_PENDING, Owner::Merchant(merchant(0))),
        ];
        for ((code, owner), number) in owners.into_iter().zip(0..) {
            bench.ask(Action::OpenAccount(account(number, code, owner, cny()))).unwrap();
        }
        for (index, mode) in [TagMode::Till, TagMode::Standing].into_iter().enumerate() {
            bench.ask(Action::RegisterTag(registered(index, merchant(0), mode, cny()))).unwrap();
        }
        bench
    }

    /// Closes the engine and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.engine.close();
        self.engine = open(self.folder.path(), &self.watch).unwrap();
    }

    pub(crate) fn new_id(&self) -> u128 {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        PaymentId::from_parts(self.watch.now().0, number.into()).as_u128()
    }

    pub(crate) fn ask(&self, action: Action) -> Verdict {
        self.engine.submit_and_wait(action, None).unwrap()
    }

    pub(crate) fn ask_as(&self, request: Request, action: Action) -> Verdict {
        self.engine.submit_and_wait(action, Some(request)).unwrap()
    }

    pub(crate) fn deposit(&self, who: usize, money: Money) -> Action {
        Action::Deposit { id: DepositId::from_u128(self.new_id()), wallet: wallet(who), money }
    }

    pub(crate) fn new_order(&self, money: Money) -> Action {
        let id = OrderId::from_u128(self.new_id());
        Action::CreateOrder(NewOrder {
            id,
            merchant: merchant(0),
            tag: tag_id(0),
            amount: NewOrderAmount::Fixed(money),
            description: None,
            reference: None,
            lifetime_ms: 900_000,
            details: None,
        })
    }

    pub(crate) fn order(&self, money: Money) -> Order {
        match self.ask(self.new_order(money)) {
            Ok(Answer::Order(order)) => order,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn url(&self, chip: usize) -> String {
        self.chips.lock().unwrap()[chip].touch([0; 5]).unwrap()
    }

    pub(crate) fn open_tap(&self, who: usize, url: &str) -> Action {
        let id = TapId::from_u128(self.new_id());
        Action::OpenTap { id, wallet: wallet(who), reading: self.keys.verify_url(url).unwrap() }
    }

    pub(crate) fn tap(&self, who: usize, chip: usize) -> Tap {
        match self.ask(self.open_tap(who, &self.url(chip))) {
            Ok(Answer::Tap(tap, _)) => tap,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn pay(&self, who: usize, tap: TapId, money: Option<Money>) -> Action {
        Action::Pay(Pay {
            id: PaymentId::from_u128(self.new_id()),
            wallet: wallet(who),
            tap,
            money,
            tip: 0,
            forced: None,
        })
    }

    /// What an owner can spend, as the tables say.
    pub(crate) fn has(&self, owner: Owner) -> u64 {
        let accounts = self.engine.read(|tables| tables.accounts(owner)).unwrap();
        accounts.iter().map(|(_, balance)| balance.available()).sum()
    }

    pub(crate) fn merchant_has(&self) -> u64 {
        self.has(Owner::Merchant(merchant(0)))
    }

    pub(crate) fn wallet_has(&self, who: usize) -> u64 {
        self.has(Owner::Wallet(wallet(who)))
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.engine.read(|tables| tables.payments(Owner::Merchant(merchant(0)), None, 10_000)).unwrap().items
    }

    /// Closes the engine and checks every byte and row.
    pub(crate) fn audit(&self) {
        self.engine.close();
        let report = engine::verify(self.folder.path()).unwrap();
        assert_eq!(report.tables_position, Some(report.position));
    }
}

pub(crate) fn request(key: u8, body: u8) -> Request {
    Request { key: RequestKey([key; 16]), body: BodyDigest([body; 16]) }
}
