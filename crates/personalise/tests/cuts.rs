//! A tag that leaves the field in the middle, and tags that answer nonsense.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use chip::access::KeyNumber;
use chip::{ChipImage, FileNumber};
use common::{Field, Ring, UID, block_on, fresh, fresh_in_lrp, personalise, server};
use personalise::{Failure, Fault, Keys, LinkError, Problem, Stage, Transceive};
use proptest::prelude::*;
use tag::KeyVersion;
use tag::sdm::Mode;

/// Each key is the factory's or ours, as the version beside it says; nothing else opens the tag. The peer tries.
fn all_keys_are_known(image: &ChipImage, mode: Mode) {
    use ntag424::KeyNumber::{Key0, Key1, Key2, Key3, Key4};
    let mut field = Field::with(image.clone());
    for (number, place) in (0..5).zip([Key0, Key1, Key2, Key3, Key4]) {
        let number = KeyNumber::new(number).unwrap();
        let key = match image.key_version(number) {
            0 => [0; 16],
            version => *Ring::up_to(2).derive(KeyVersion(version), number, UID).unwrap().unwrap().expose(),
        };
        let session = ntag424::Session::new();
        match mode {
            Mode::Aes => drop(block_on(session.authenticate_aes(&mut field, place, &key, [9; 16])).unwrap()),
            Mode::Lrp => drop(block_on(session.authenticate_lrp(&mut field, place, &key, [9; 16])).unwrap()),
        }
    }
}

/// Cuts after each command, before the tag has it and before the reader has its answer.
fn a_second_run_completes(image: &ChipImage, mode: Mode, version: u8) {
    let mut interrupted = Vec::new();
    for answer_lost in [false, true] {
        for commands in 1.. {
            let mut field = Field::with(image.clone()).cut_after(commands, answer_lost);
            let outcome = personalise(&mut field, mode, version);
            all_keys_are_known(&field.stored, mode);
            let mut again = field.again();
            let report =
                personalise(&mut again, mode, version).unwrap_or_else(|failure| panic!("cut at {commands}: {failure}"));
            assert_eq!(report.key_version, KeyVersion(version));
            let tap = server(mode, version).verify_url(&again.touch()).unwrap();
            assert_eq!((tap.uid(), tap.key_version()), (UID, KeyVersion(version)));
            match outcome {
                Ok(_) => break,
                Err(Failure::Interrupted { stage, fault: Fault::Link { .. }, .. }) => interrupted.push(stage),
                Err(failure) => panic!("cut at {commands}: {failure}"),
            }
        }
    }
    for stage in [Stage::Examining, Stage::ChangingKey(KeyNumber::MASTER), Stage::ReadingBack] {
        assert!(interrupted.contains(&stage), "{stage}");
    }
    assert!(interrupted.len() > 80, "{}", interrupted.len());
}

#[test]
fn bug_13_a_cut_of_a_first_personalisation_is_healed_by_a_second_run() {
    a_second_run_completes(&fresh(), Mode::Aes, 1);
}

#[test]
fn bug_13_a_cut_of_a_personalisation_with_new_keys_is_healed_by_a_second_run() {
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    let mut image = field.stored.clone();
    // With another message, so that it is written too.
    image.contents_mut(FileNumber::Ndef)[9] ^= 1;
    a_second_run_completes(&image, Mode::Aes, 2);
}

#[test]
fn bug_13_a_cut_is_healed_in_lrp_mode_too() {
    a_second_run_completes(&fresh_in_lrp(), Mode::Lrp, 1);
}

/// Cut again and again, a command later each time: it comes to an end.
#[test]
fn bug_13_many_cuts_in_a_row_come_to_an_end() {
    let mut image = fresh();
    for commands in 1..120 {
        let mut field = Field::with(image).cut_after(commands, commands % 2 == 0);
        if personalise(&mut field, Mode::Aes, 2).is_ok() {
            drop(server(Mode::Aes, 2).verify_url(&field.again().touch()).unwrap());
            return;
        }
        all_keys_are_known(&field.stored, Mode::Aes);
        image = field.stored;
    }
    panic!("it never was finished");
}

/// A tag that answers whatever it likes.
struct Nonsense {
    answers: Vec<Vec<u8>>,
    asked: usize,
}

impl Transceive for Nonsense {
    fn transceive(&mut self, _: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.asked += 1;
        self.answers.pop().ok_or_else(|| LinkError("gone".to_owned()))
    }
}

/// A tag one of whose answers is damaged on the way.
struct Damaged {
    field: Field,
    at: usize,
    with: Damage,
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Cut(usize),
    Append(Vec<u8>),
    Replace(Vec<u8>),
}

impl Transceive for Damaged {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let now = self.field.commands;
        let mut answer = self.field.transceive(command)?;
        if now == self.at {
            match &self.with {
                Damage::Flip(place, bits) => {
                    let place = place % answer.len();
                    answer[place] ^= bits;
                }
                Damage::Cut(length) => answer.truncate(length % answer.len()),
                Damage::Append(bytes) => answer.splice(0..0, bytes.iter().copied()).for_each(drop),
                Damage::Replace(bytes) => answer.clone_from(bytes),
            }
        }
        Ok(answer)
    }
}

/// Answers that get past the status word more often than chance would have it.
fn answers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let status =
        prop::sample::select(vec![[0x90, 0x00], [0x91, 0x00], [0x91, 0xAF], [0x91, 0x90], [0x91, 0xAE], [0x91, 0x9D]]);
    let length = prop_oneof![Just(0), Just(1), Just(7), Just(14), Just(16), Just(17), Just(32), Just(56), 0_usize..300];
    let data = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
    let version = Just([0x04, 0x04, 0x02, 0x30, 0x00, 0x11, 0x05].to_vec());
    let data = prop_oneof![4 => data, 1 => version];
    let answer = (data, status).prop_map(|(data, status)| [data, status.to_vec()].concat());
    prop::collection::vec(answer, 0..150)
}

/// A tag that knows the exchange by heart, and then says what it likes.
fn begun_well(mut rest: Vec<Vec<u8>>, commands: usize) -> Vec<Vec<u8>> {
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    let good: Vec<_> = field.heard.into_iter().skip(1).step_by(2).take(commands).collect();
    rest.extend(good.into_iter().rev());
    rest
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 1_u8..).prop_map(|(place, bits)| Damage::Flip(place, bits)),
        any::<usize>().prop_map(Damage::Cut),
        prop::collection::vec(any::<u8>(), 1..300).prop_map(Damage::Append),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Damage::Replace),
    ]
}

/// Within a session every answer that says something is signed: no bit of one can be changed on the way.
#[test]
fn a_changed_bit_of_a_signed_answer_is_noticed() {
    let mut good = Field::with(fresh());
    personalise(&mut good, Mode::Aes, 1).unwrap();
    let exchanges: Vec<_> = good.heard.chunks(2).map(|exchange| (exchange[0][1], exchange[1].len())).collect();
    let mut changed = 0;
    for (at, (instruction, length)) in exchanges.into_iter().enumerate() {
        // GetCardUID, GetFileSettings, ChangeKey, ChangeFileSettings; GetKeyVersion is signed within a session only.
        let signed = matches!((instruction, length), (0x51 | 0xF5 | 0x5F, _) | (0xC4, 10) | (0x64, 11));
        for place in (0..length - 2).filter(|_| signed) {
            let mut tag = Damaged { field: Field::with(fresh()), at, with: Damage::Flip(place, 1 << (place % 8)) };
            let outcome = personalise(&mut tag, Mode::Aes, 1);
            let is_noticed =
                matches!(outcome, Err(Failure::Interrupted { fault: Fault::Answer { problem: Problem::Mac, .. }, .. }));
            assert!(is_noticed, "command {at}, byte {place}: {outcome:?}");
            changed += 1;
        }
    }
    assert!(changed > 150, "{changed}");
}

/// A tag that takes the reader's proof has to give its own: without the key it cannot.
#[test]
fn a_tag_has_to_prove_that_it_has_the_key() {
    for (mode, image) in [(Mode::Aes, fresh()), (Mode::Lrp, fresh_in_lrp())] {
        let mut good = Field::with(image.clone());
        personalise(&mut good, mode, 1).unwrap();
        let is_proof = |exchange: &[Vec<u8>]| exchange[0][1] == 0xAF && exchange[1].len() == 34;
        let proofs = good.heard.chunks(2).enumerate().filter(|(_, exchange)| is_proof(exchange));
        let proofs: Vec<_> = proofs.map(|(at, _)| at).collect();
        assert_eq!(proofs.len(), 7, "five slots, the master key again, and anew when it is read back");
        for at in proofs {
            for place in 0..32 {
                let mut tag = Damaged { field: Field::with(image.clone()), at, with: Damage::Flip(place, 0x10) };
                let outcome = personalise(&mut tag, mode, 1);
                let is_noticed = matches!(
                    outcome,
                    Err(Failure::Interrupted { fault: Fault::Answer { problem: Problem::Proof, .. }, .. })
                );
                assert!(is_noticed, "command {at}, byte {place}: {outcome:?}");
            }
        }
    }
}

/// How many tags answer nonsense; `make fuzz` takes many more.
fn inputs() -> ProptestConfig {
    ProptestConfig::with_cases(std::env::var("TAPSTONE_CASES").map_or(512, |inputs| inputs.parse().unwrap()))
}

proptest! {
    #![proptest_config(inputs())]

    #[test]
    fn a_tag_that_answers_nonsense_gets_nowhere(rest in answers(), commands in 0_usize..40, replayed: bool) {
        let answers = if replayed { begun_well(rest, commands) } else { rest };
        let mut tag = Nonsense { answers, asked: 0 };
        prop_assert!(personalise(&mut tag, Mode::Aes, 1).is_err());
        prop_assert!(tag.asked < 120);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is damaged on the way, the tag is left with keys that are known, and a second run completes.
    #[test]
    fn a_damaged_answer_leaves_a_tag_that_can_be_finished(at in 0_usize..75, with in damage()) {
        let mut tag = Damaged { field: Field::with(fresh()), at, with };
        let _ = personalise(&mut tag, Mode::Aes, 1);
        prop_assert!(tag.field.commands < 120);
        all_keys_are_known(&tag.field.stored, Mode::Aes);
        let mut again = tag.field.again();
        personalise(&mut again, Mode::Aes, 1).unwrap();
        drop(server(Mode::Aes, 1).verify_url(&again.touch()).unwrap());
    }
}
