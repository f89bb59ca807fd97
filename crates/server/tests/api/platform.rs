//! A whole platform in a temporary folder, served on a loopback port.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use directory::{
    Actor, Directory, Entry, KeyProfile, MerchantProfile, Name, Scope, StoreProfile, TagProfile, TillProfile, Token,
    WalletProfile,
};
use engine::{Clock, Engine, SystemClock};
use ids::{AccountId, DepositId, MerchantId, StoreId, TagId, TillId, TokenId, WalletId};
use money::{Amount, Currency, Money};
use payments::{Account, AccountFlags, Action, Owner, RegisteredTag, TagMode, UnixMillis, account_code};
use serde_json::Value;
use server::bank::{self, Reconciliation, SandboxBank};
use server::webhooks::{self, EventSource, Rendered, Service, SourceError, Webhooks};
use server::{App, ClockSource, Options};
use tag::{AesKey, ReadCounter, SoftwareTag, TagKeys, Uid};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Reply, Request};

pub(crate) const MASTER_KEY: [u8; 16] = *b"a master of keys";

/// The currencies that the merchants and the wallets hold.
const CURRENCIES: [&str; 3] = ["CNY", "JPY", "KWD"];

pub(crate) const MERCHANT: MerchantId = MerchantId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
pub(crate) const OTHER_MERCHANT: MerchantId = MerchantId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);
pub(crate) const TILL_TAG: TagId = TagId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0011);
pub(crate) const STANDING_TAG: TagId = TagId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0012);
pub(crate) const OTHER_TAG: TagId = TagId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0013);
pub(crate) const INACTIVE_TAG: TagId = TagId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0014);

/// Wallet number `n`.
pub(crate) const fn wallet(n: u8) -> WalletId {
    WalletId::from_u128(0x0192_0000_0000_7000_8000_0000_0000_1000 + n as u128)
}

/// The tokens of this platform; secret, but for tests.
pub(crate) fn token(actor: Actor) -> Token {
    let seed = match actor {
        Actor::Operator => 1,
        Actor::Merchant(id) => id.as_u128(),
        Actor::Till(id) => id.as_u128() + 1,
        Actor::Wallet(id) => id.as_u128(),
    };
    let mut random = [0xa5; 32];
    random[..16].copy_from_slice(&seed.to_le_bytes());
    Token::from_random(actor, random)
}

/// Another token of the actor, which is good to read only.
pub(crate) fn read_only_token(actor: Actor) -> String {
    read_only(actor).expose().to_owned()
}

fn read_only(actor: Actor) -> Token {
    let seed = token(actor).expose().bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = [0x5a; 32];
    random[..8].copy_from_slice(&seed.to_le_bytes());
    Token::from_random(actor, random)
}

/// The one store of a merchant of this platform.
pub(crate) const fn store_of(merchant: MerchantId) -> StoreId {
    StoreId::from_u128(merchant.as_u128())
}

/// The one till of a merchant of this platform.
pub(crate) const fn till_of(merchant: MerchantId) -> TillId {
    TillId::from_u128(merchant.as_u128())
}

pub(crate) fn merchant_token(id: MerchantId) -> String {
    token(Actor::Merchant(id)).expose().to_owned()
}

pub(crate) fn wallet_token(n: u8) -> String {
    token(Actor::Wallet(wallet(n))).expose().to_owned()
}

pub(crate) fn uid(tag: TagId) -> Uid {
    let [.., last] = tag.to_bytes();
    Uid([0x04, 1, 2, 3, 4, 5, last])
}

/// The system's clock, so many milliseconds ahead.
#[derive(Clone, Default)]
struct AheadClock(Arc<AtomicU64>);

impl Clock for AheadClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now().plus(self.0.load(Ordering::Relaxed))
    }
}

/// A platform with wallets 0 to [`Platform::WALLETS`] - 1, each with 1,000,000 minor units of each currency.
pub(crate) struct Platform {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) webhooks: Service,
    pub(crate) bank: bank::Service,
    pub(crate) told: Arc<Told>,
    clock: AheadClock,
    tags: Vec<Mutex<(TagId, SoftwareTag)>>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    runtime: Runtime,
    folder: Option<TempDir>,
}

impl Platform {
    pub(crate) const WALLETS: u8 = 20;
    pub(crate) const BALANCE: u64 = 1_000_000;

    pub(crate) fn start() -> Self {
        Self::open(tempfile::tempdir().unwrap(), None)
    }

    pub(crate) fn start_with(options: Options) -> Self {
        Self::open(tempfile::tempdir().unwrap(), Some(options))
    }

    /// Without options, all of it goes by one clock.
    fn open(folder: TempDir, options: Option<Options>) -> Self {
        let clock = AheadClock::default();
        let engine = Engine::open(folder.path(), Box::new(clock.clone())).unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        provision(&engine, &directory);
        let counters = |tag: TagId| {
            let merchant = if tag == OTHER_TAG { OTHER_MERCHANT } else { MERCHANT };
            let known = engine.read(|tables| tables.tags(merchant)).unwrap();
            known.iter().find(|(known, _)| known.id == tag).map_or(0, |(_, counter)| *counter)
        };
        let tags = [TILL_TAG, STANDING_TAG, OTHER_TAG, INACTIVE_TAG].map(|tag| {
            let counter = ReadCounter::new(counters(tag)).unwrap();
            let key = AesKey::new(MASTER_KEY);
            Mutex::new((tag, SoftwareTag::new(&key, uid(tag), counter, "https://pay.example/t").unwrap()))
        });
        let keys = TagKeys::from_master(&AesKey::new(MASTER_KEY));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let told = Arc::new(Told::default());
        let webhooks = start_webhooks(&folder, told.clone());
        let bank = start_bank(&folder, &engine, &directory, &clock);
        let source = || Box::new(ClockSource(Box::new(clock.clone())));
        let options = options.unwrap_or_else(|| Options { source: source(), ..Options::default() });
        let options = Options { webhooks: Some(webhooks.clone()), bank: Some(bank.clone()), ..options };
        let app = App::new(engine.clone(), directory, keys, options).unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = runtime.spawn(server::serve(app, listener, async { drop(stopped.await) }));
        let (stop, serving, folder) = (Some(stop), Some(serving), Some(folder));
        Self { engine, address, webhooks, bank, told, clock, tags: tags.into(), stop, serving, runtime, folder }
    }

    /// Stops serving in order.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            self.runtime.block_on(serving).unwrap();
        }
        self.webhooks.close();
        self.bank.close();
        self.engine.close();
    }

    /// Stops, and opens the same folder again.
    pub(crate) fn restart(mut self) -> Self {
        self.stop();
        let folder = self.folder.take().unwrap();
        drop(self);
        Self::open(folder, None)
    }

    /// All files of the data folder, by name.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let folder = self.folder.as_ref().unwrap().path();
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.is_file())
            .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
            .collect()
    }

    /// Moves the clock forward.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// The bank's side does what it can do now.
    pub(crate) fn catch_up(&self) {
        self.runtime.block_on(self.bank.catch_up()).unwrap();
    }

    /// What a phone reads from this tag now.
    pub(crate) fn touch(&self, tag: TagId) -> String {
        let known = self.tags.iter().find(|known| known.lock().unwrap().0 == tag).unwrap();
        known.lock().unwrap().1.touch([7; 5]).unwrap()
    }

    pub(crate) fn send(&self, request: &Request) -> Reply {
        request.send(self.address)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Reply {
        self.send(&Request::get(path).token(token))
    }

    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.send(&Request::post(path, body.to_string()).token(token))
    }

    /// An order of [`MERCHANT`] at its till's tag, for 1,250 fen.
    pub(crate) fn order(&self) -> Reply {
        let body = serde_json::json!({ "tag": TILL_TAG, "amount": { "amount": 1_250, "currency": "CNY" } });
        self.post(&merchant_token(MERCHANT), "/v1/orders", &body).expect(201)
    }

    /// A tap of wallet `n`.
    pub(crate) fn tap(&self, n: u8, tag: TagId) -> Reply {
        self.post(&wallet_token(n), "/v1/taps", &serde_json::json!({ "url": self.touch(tag) }))
    }

    /// A payment of wallet `n`.
    pub(crate) fn pay(&self, n: u8, body: &Value) -> Reply {
        self.post(&wallet_token(n), "/v1/payments", body)
    }

    /// A payment of wallet `n` over so many fen to [`MERCHANT`], at its standing tag.
    pub(crate) fn paid(&self, n: u8, fen: u64) -> String {
        let tap = self.tap(n, STANDING_TAG).expect(201).id();
        let amount = serde_json::json!({ "amount": fen, "currency": "CNY" });
        self.pay(n, &serde_json::json!({ "tap": tap, "amount": amount })).expect(201).id()
    }

    /// What [`MERCHANT`] asks for at its till's tag, with these further fields.
    pub(crate) fn ask(&self, fields: Value) -> Reply {
        let mut body = serde_json::json!({ "tag": TILL_TAG });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.post(&merchant_token(MERCHANT), "/v1/orders", &body)
    }

    /// A payment of wallet `n` for such an order; gives the order as it was asked, and the payment.
    pub(crate) fn asked_and_paid(&self, n: u8, fields: Value) -> (Value, Value) {
        let order = self.ask(fields).expect(201).json();
        let tap = self.tap(n, TILL_TAG).expect(201).id();
        (order, self.pay(n, &serde_json::json!({ "tap": tap })).expect(201).json())
    }

    /// What [`MERCHANT`] is answered with.
    pub(crate) fn see(&self, path: &str) -> Value {
        self.get(&merchant_token(MERCHANT), path).expect(200).json()
    }

    /// The same of a thing.
    pub(crate) fn look_at(&self, what: &str, thing: &Value) -> Value {
        self.see(&format!("/v1/{what}/{}", thing["id"].as_str().unwrap()))
    }

    /// What [`MERCHANT`] posts.
    pub(crate) fn merchant_posts(&self, path: &str, body: &Value) -> Reply {
        self.post(&merchant_token(MERCHANT), path, body)
    }

    /// What wallet `n` has, in fen.
    pub(crate) fn balance(&self, n: u8) -> u64 {
        let balances = self.get(&wallet_token(n), "/v1/wallets/me/balances").expect(200).json();
        let of_cny = balances["data"].as_array().unwrap().iter().find(|balance| balance["currency"] == "CNY");
        of_cny.unwrap()["available"].as_u64().unwrap()
    }

    /// The merchant is told of something that never happened; gives the event's id.
    pub(crate) fn tell(&self, merchant: MerchantId, event_type: &'static str, object: &str) -> String {
        let mut told = self.told.0.lock().unwrap();
        // After all that can have happened when an endpoint was made.
        let position = told.last_key_value().map_or(1_000_000, |(position, _)| position + 1);
        let (at_ms, body) = (SystemClock.now().0, format!("{{\"object\":\"{object}\"}}").into_bytes());
        let event = Rendered { position, event_type: event_type.into(), object: object.to_owned(), at_ms, body };
        told.insert(position, (merchant, event));
        drop(told);
        self.webhooks.ring([merchant]);
        ids::EventId::from_parts(at_ms, u128::from(position)).to_string()
    }

    /// The journal's end: grows with every fact.
    pub(crate) fn position(&self) -> u64 {
        self.engine.status().durable_position
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn money(amount: u64, currency: &str) -> Money {
    Money::new(Amount::new(amount).unwrap(), Currency::from_alpha(currency).unwrap())
}

pub(crate) fn command(engine: &Engine, action: Action) {
    engine.submit_and_wait(action, None).unwrap().unwrap();
}

pub(crate) fn deposit(engine: &Engine, number: u128, wallet: WalletId, money: Money) {
    command(engine, Action::Deposit { id: DepositId::from_u128(number), wallet, money });
}

/// Events that tests make up, whoever the merchant is.
#[derive(Default)]
pub(crate) struct Told(Mutex<BTreeMap<u64, (MerchantId, Rendered)>>);

impl EventSource for Told {
    fn events_after(&self, merchant: MerchantId, after: u64, limit: usize) -> Result<Vec<Rendered>, SourceError> {
        let events = self.0.lock().unwrap();
        let own = events.range(after + 1..).filter(|(_, (of, _))| *of == merchant);
        Ok(own.take(limit).map(|(_, (_, event))| event.clone()).collect())
    }
}

fn start_webhooks(folder: &TempDir, told: Arc<Told>) -> Service {
    let stored = Webhooks::open(folder.path(), webhooks::Limits::default()).unwrap();
    let settings = webhooks::Settings { network: webhooks::Network::Private, ..webhooks::Settings::default() };
    Service::start(stored, told, settings).unwrap()
}

fn start_bank(folder: &TempDir, engine: &Engine, directory: &Directory, clock: &AheadClock) -> bank::Service {
    let (books, bank) = (Reconciliation::open(folder.path()).unwrap(), SandboxBank::open(folder.path()).unwrap());
    let source = Box::new(ClockSource(Box::new(clock.clone())));
    bank::Service::start(books, Some(Box::new(bank)), engine, directory.clone(), source).unwrap()
}

/// Makes the world, or nothing if it is there already.
fn provision(engine: &Engine, directory: &Directory) {
    let name = |text: &str| Name::try_from(text.to_owned()).unwrap();
    let created_at = UnixMillis(1_795_350_600_000);
    let merchants = [(MERCHANT, "Lantern Tea", Some("灯笼茶")), (OTHER_MERCHANT, "Night Noodles", None)];
    let mut entries = vec![Entry::token(Actor::Operator, &token(Actor::Operator)), read_only_key(Actor::Operator)];
    for (id, called, zh) in merchants {
        let (store, till) = (store_of(id), till_of(id));
        let merchant = MerchantProfile::new(id, name(called), created_at);
        let merchant = MerchantProfile { name_zh: zh.map(name), ..merchant };
        entries.push(Entry::Merchant(merchant));
        entries.push(Entry::Store(StoreProfile::new(store, id, name("West Lake"))));
        entries.push(Entry::Till(TillProfile::new(till, id, store, name("Till 1"))));
        for actor in [Actor::Merchant(id), Actor::Till(till)] {
            entries.extend([Entry::token(actor, &token(actor)), read_only_key(actor)]);
        }
        open_accounts(engine, account_code::MERCHANT_PENDING, Owner::Merchant(id), true);
    }
    open_accounts(engine, account_code::FLOAT, Owner::Platform, false);
    for (id, merchant, mode, active) in [
        (TILL_TAG, MERCHANT, TagMode::Till, true),
        (STANDING_TAG, MERCHANT, TagMode::Standing, true),
        (OTHER_TAG, OTHER_MERCHANT, TagMode::Till, true),
        (INACTIVE_TAG, MERCHANT, TagMode::Till, false),
    ] {
        let currency = Currency::from_alpha("CNY").unwrap();
        command(engine, Action::RegisterTag(RegisteredTag { id, uid: uid(id), merchant, mode, currency, active }));
        let (store, till) = (store_of(merchant), till_of(merchant));
        let till = (mode == TagMode::Till).then_some(till);
        entries.push(Entry::Tag(TagProfile { till, ..TagProfile::new(id, merchant, store, name("Till 1")) }));
    }
    for n in 0..Platform::WALLETS {
        let id = wallet(n);
        open_accounts(engine, account_code::WALLET, Owner::Wallet(id), true);
        for (number, currency) in CURRENCIES.iter().enumerate() {
            deposit(engine, u128::from(n) * 10 + number as u128 + 1, id, money(Platform::BALANCE, currency));
        }
        entries.push(Entry::Wallet(WalletProfile { id, name: name("Mei"), name_zh: Some(name("小美")), created_at }));
        entries.push(Entry::token(Actor::Wallet(id), &token(Actor::Wallet(id))));
    }
    directory.add(entries).unwrap();
}

fn read_only_key(actor: Actor) -> Entry {
    let token = read_only(actor);
    let id =
        TokenId::from_u128(token.expose().bytes().fold(7, |id, byte| id * 31 % 0xffff_ffff_ffff + u128::from(byte)));
    let label = Name::try_from("Only to look").unwrap();
    Entry::key(KeyProfile::new(id, actor, [Scope::Read].into_iter().collect(), label, UnixMillis(0)), &token)
}

fn open_accounts(engine: &Engine, code: u16, owner: Owner, limited: bool) {
    for currency in CURRENCIES {
        let ledger = u32::from(Currency::from_alpha(currency).unwrap().numeric());
        let id = AccountId::from_u128(owner.bits() << 32 | u128::from(code) << 16 | u128::from(ledger));
        let flags = AccountFlags { debits_must_not_exceed_credits: limited, credits_must_not_exceed_debits: false };
        command(engine, Action::OpenAccount(Account { id, ledger, code, owner: owner.bits(), flags }));
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not come true in 5 s");
}
