//! The mutual authentications, all four of them: with AES or LRP, first in a transaction or not (NT4H2421Gx section
//! 10.4), and the counters of their failures (section 9).

use alloc::vec::Vec;

use tag::AesKey;
use tag::session::Randoms;

use crate::Status;
use crate::access::KeyNumber;
use crate::image::{ChipImage, Configuration, Failures};
use crate::messaging::{Session, Suite, cbc_decrypt, cbc_encrypt, equal};

/// So many failures in a row are answered at once (SeqFailCtr; AN12196 section 7.4).
const UNDELAYED_FAILURES: u8 = 50;

/// What the chip waits for between the two parts of an authentication.
pub(crate) struct Challenge {
    key: KeyNumber,
    rnd_b: [u8; 16],
    kind: Kind,
}

/// Which authentication it is.
enum Kind {
    /// It begins a transaction, with a reader of these capabilities (PCDCap2).
    First { reader: [u8; 6] },
    /// It goes on with a transaction, and with its counter of commands.
    NonFirst { transaction: [u8; 4], command_counter: u16 },
}

impl Challenge {
    /// Part 1 of AuthenticateEV2First and AuthenticateLRPFirst: `KeyNo || LenCap || PCDCap2`. Which one it becomes is for
    /// the chip's configuration to say; a reader that wants AES is refused by a chip in LRP mode.
    pub(crate) fn first(data: &[u8], image: &mut ChipImage, rnd_b: [u8; 16]) -> Result<Self, Status> {
        let [number, length, capabilities @ ..] = data else { return Err(Status::LENGTH_ERROR) };
        if *length > 6 {
            return Err(Status::PARAMETER_ERROR);
        }
        if capabilities.len() != usize::from(*length) {
            return Err(Status::LENGTH_ERROR);
        }
        let key = available_key(*number, image)?;
        let mut reader = [0; 6];
        reader.iter_mut().zip(capabilities).for_each(|(slot, byte)| *slot = *byte);
        let wants_lrp = reader[0] & LRP_CAPABILITY != 0;
        if image.configuration.lrp && !wants_lrp {
            return Err(Status::PERMISSION_DENIED);
        }
        Ok(Self { key, rnd_b, kind: Kind::First { reader } })
    }

    /// Part 1 of AuthenticateEV2NonFirst and AuthenticateLRPNonFirst: `KeyNo`. It needs a session to go on with.
    pub(crate) fn non_first(
        data: &[u8],
        session: Option<Session>,
        image: &mut ChipImage,
        rnd_b: [u8; 16],
    ) -> Result<Self, Status> {
        let [number] = data else { return Err(Status::LENGTH_ERROR) };
        let Session { transaction, command_counter, .. } = session.ok_or(Status::PERMISSION_DENIED)?;
        let key = available_key(*number, image)?;
        Ok(Self { key, rnd_b, kind: Kind::NonFirst { transaction, command_counter } })
    }

    /// What the reader is asked.
    pub(crate) fn question(&self, image: &ChipImage) -> Vec<u8> {
        if image.configuration.lrp {
            return [&[AUTH_MODE_LRP][..], &self.rnd_b].concat();
        }
        let mut block = self.rnd_b;
        cbc_encrypt(&image.slot(self.key).key, [0; 16], core::slice::from_mut(&mut block));
        block.to_vec()
    }

    /// Part 2: the reader's answer, and the chip's. Failures and successes are counted.
    pub(crate) fn answer(
        self,
        data: &[u8],
        image: &mut ChipImage,
        transaction: [u8; 4],
    ) -> Result<(Session, Vec<u8>), Status> {
        let answer: [u8; 32] = data.try_into().map_err(|_| Status::LENGTH_ERROR)?;
        let key = AesKey::new(*image.slot(self.key).key.expose());
        let outcome =
            if image.configuration.lrp { self.answer_lrp(answer, &key) } else { self.answer_aes(answer, &key) };
        let decrement = image.configuration.total_failure_decrement;
        let failures = &mut image.slot_mut(self.key).failures;
        let Some(mut proven) = outcome else {
            failures.count();
            return Err(Status::AUTHENTICATION_ERROR);
        };
        *failures = Failures { total: failures.total.saturating_sub(decrement), ..Failures::default() };
        let (transaction, command_counter) = match self.kind {
            Kind::First { .. } => (transaction, 0),
            Kind::NonFirst { transaction, command_counter } => (transaction, command_counter),
        };
        let proof = self.prove(&mut proven, &key, transaction, image.configuration());
        Ok((Session { key: self.key, transaction, command_counter, suite: proven.suite }, proof))
    }

    /// `E(K, RndA || RndB')`, where the prime says rotated by a byte.
    fn answer_aes(&self, mut answer: [u8; 32], key: &AesKey) -> Option<Proven> {
        cbc_decrypt(key, [0; 16], answer.as_chunks_mut().0);
        let (reader, rotated) = answer.split_first_chunk::<16>()?;
        let randoms = Randoms { reader: *reader, chip: self.rnd_b };
        equal(rotated, &rotate(self.rnd_b)).then(|| Proven { randoms, suite: Suite::aes(key, randoms) })
    }

    /// `RndA || MAC(SesAuthMACKey, RndA || RndB)`.
    fn answer_lrp(&self, answer: [u8; 32], key: &AesKey) -> Option<Proven> {
        let (reader, mac) = answer.split_first_chunk::<16>()?;
        let randoms = Randoms { reader: *reader, chip: self.rnd_b };
        let suite = Suite::lrp(key, randoms);
        equal(mac, &suite.whole_mac(&[*reader, self.rnd_b].concat())).then_some(Proven { randoms, suite })
    }

    /// The chip's own proof, with the transaction if a new one begins.
    fn prove(&self, proven: &mut Proven, key: &AesKey, transaction: [u8; 4], configuration: &Configuration) -> Vec<u8> {
        let Randoms { reader: rnd_a, chip: rnd_b } = proven.randoms;
        let mut introduction = Vec::with_capacity(32);
        introduction.extend(transaction);
        match (configuration.lrp, &self.kind) {
            (false, Kind::First { reader }) => {
                introduction.extend(rotate(rnd_a));
                introduction.extend(capabilities(configuration));
                introduction.extend(reader);
                cbc_encrypt(key, [0; 16], introduction.as_chunks_mut().0);
                introduction
            }
            (false, Kind::NonFirst { .. }) => {
                let mut block = rotate(rnd_a);
                cbc_encrypt(key, [0; 16], core::slice::from_mut(&mut block));
                block.to_vec()
            }
            (true, Kind::First { reader }) => {
                introduction.extend(capabilities(configuration));
                introduction.extend(reader);
                proven.suite.encrypt([0; 4], 0, &mut introduction);
                let mac = proven.suite.whole_mac(&[&rnd_b[..], &rnd_a, &introduction].concat());
                introduction.extend(mac);
                introduction
            }
            (true, Kind::NonFirst { .. }) => proven.suite.whole_mac(&[rnd_b, rnd_a].concat()).to_vec(),
        }
    }
}

/// A reader that has the key.
struct Proven {
    randoms: Randoms,
    suite: Suite,
}

/// PCDCap2.1's and PDCap2.1's bit for LRP.
const LRP_CAPABILITY: u8 = 0b10;
/// What precedes the challenge in LRP mode.
const AUTH_MODE_LRP: u8 = 0x01;

/// PDCap2.
fn capabilities(configuration: &Configuration) -> [u8; 6] {
    let [fifth, sixth] = configuration.capabilities;
    [if configuration.lrp { LRP_CAPABILITY } else { 0 }, 0, 0, 0, fifth, sixth]
}

/// Rotated left by one byte.
fn rotate(mut block: [u8; 16]) -> [u8; 16] {
    block.rotate_left(1);
    block
}

/// The key, if there is such a key and it may be tried now. Asking takes one off its delays.
fn available_key(number: u8, image: &mut ChipImage) -> Result<KeyNumber, Status> {
    if number & 0b1100_0000 != 0 {
        return Err(Status::PARAMETER_ERROR);
    }
    let key = KeyNumber::new(number).ok_or(Status::NO_SUCH_KEY)?;
    let failures = image.slot(key).failures;
    if image.configuration.total_failure_limit.is_some_and(|limit| failures.total >= limit) {
        return Err(Status::PERMISSION_DENIED);
    }
    if failures.delays > 0 {
        image.slot_mut(key).failures.delays -= 1;
        return Err(Status::AUTHENTICATION_DELAY);
    }
    Ok(key)
}

impl Failures {
    /// One more. From the fiftieth in a row on, each asks for one more delay than the one before.
    fn count(&mut self) {
        self.total = self.total.saturating_add(1);
        self.sequential = self.sequential.saturating_add(1);
        self.delays = self.sequential.saturating_sub(UNDELAYED_FAILURES - 1);
    }
}
