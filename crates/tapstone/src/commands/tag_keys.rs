//! `tapstone tag keys`: what must be written into a real chip.

use std::path::PathBuf;

use clap::Args;
use factory::TagTemplate;
use tag::diversification::{Diversifier, Purpose};

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::hexadecimal;
use crate::output;
use crate::public_url::PublicUrl;
use crate::world::UidText;

/// Print the keys and settings with which an NTAG 424 DNA must be personalised. They are secret.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The chip's UID: 14 hexadecimal digits that begin with 04.
    #[arg(long)]
    uid: UidText,
    /// Where phones reach the platform, such as https://pay.example.
    #[arg(long, value_name = "URL")]
    public_url: PublicUrl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let diversifier = Diversifier::new(&DataFolder(&arguments.data).tag_master_key()?);
    let uid = arguments.uid.0;
    let meta_read = hexadecimal::encode(diversifier.derive(Purpose::sdm_meta_read()).expose());
    let file_read = hexadecimal::encode(diversifier.derive(Purpose::sdm_file_read(uid)).expose());
    let address = arguments.public_url.of_taps();
    let ndef = TagTemplate::new(&address).map_err(|error| Failure::Usage(format!("{address}: {error}")))?;
    eprintln!("These keys are secret: whoever has them can forge this tag. Key 1 is the same in all tags.");
    output::print(&format!(
        "\
UID                       {uid}
key 1, for SDMMetaRead    {meta_read}
key 2, for SDMFileRead    {file_read}
mirrored                  UID and SDMReadCtr, encrypted, as ASCII
URL                       {url}
NDEF file                 {bytes}
PICCDataOffset            {picc_data_offset}
SDMMACInputOffset         {mac_offset}
SDMMACOffset              {mac_offset}
",
        url = ndef.url,
        bytes = hexadecimal::encode(&ndef.file),
        picc_data_offset = ndef.picc_data_offset,
        mac_offset = ndef.mac_offset,
    ))?;
    Ok(())
}
