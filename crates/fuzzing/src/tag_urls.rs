//! Bytes as the URL of a touch, and as the template of such URLs.

use tag::sdm::{Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, ReadCounter, SoftwareTag, TagKeys, Uid};

/// The tag whose URLs are among the seeds. It has been read no more than a hundred times.
const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);
const READINGS: u32 = 100;
const MASTER: [u8; 16] = [0x11; 16];

/// The first byte says the mode of the tags; the first line of the others is a template, the rest a URL.
///
/// Neither stops the process. No URL is taken for a touch that the tag has not made. Whatever template is taken, a tag that
/// has it is understood.
pub fn tag_urls(data: &[u8]) {
    let Some((mode, text)) = data.split_first() else { return };
    let mode = if mode % 2 == 0 { Mode::Aes } else { Mode::Lrp };
    let text = String::from_utf8_lossy(text);
    let (template, url) = text.split_once('\n').unwrap_or(("", &text));
    verify(Settings::of_platform(mode), url);
    let Ok(settings) = Settings::parse(mode, template) else { return };
    verify(settings.clone(), url);
    let blank = settings.blank_url();
    assert!(settings.mac_input().end <= blank.len());
    assert!(settings.placeholders().all(|(found, place)| place.len() == found.width && place.end <= blank.len()));
    let mut tag = SoftwareTag::of(set(settings.clone()), UID, ReadCounter::ZERO);
    let url = tag.touch([1, 2, 3, 4, 5]).expect("it is not worn out");
    assert_eq!(url.len(), blank.len());
    settings.read(&url).unwrap_or_else(|error| panic!("{error}: {url} by {template}"));
    verify(settings, &url);
}

fn set(settings: Settings) -> KeySet {
    KeySet::new(KeyVersion(1), &AesKey::new(MASTER), settings)
}

fn verify(settings: Settings, url: &str) {
    match TagKeys::new(set(settings)).verify_url(url) {
        Ok(tap) => {
            assert_eq!(tap.uid(), UID, "{url}");
            assert!((1..=READINGS).contains(&tap.counter().value()), "{url}");
        }
        Err(refusal) => assert!(refusal.to_string().len() < 200, "{refusal}"),
    }
}
