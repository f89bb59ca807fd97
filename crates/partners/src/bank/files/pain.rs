//! Credit transfers as banks take them: ISO 20022, CustomerCreditTransferInitiationV09 (pain.001.001.09).

use std::fmt::Write as _;

use jiff::Timestamp;
use quick_xml::escape::escape;
use terms::Iban;

use crate::bank::{Account, PayoutInstruction};

/// Who pays: the platform's own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debtor {
    name: String,
    account: Iban,
    bank: String,
}

impl Debtor {
    /// The account's holder (1 to 70 characters), its number, and its bank's BIC (8 or 11 characters).
    ///
    /// # Errors
    /// [`DebtorError`] if the name or the BIC cannot be one.
    pub fn new(name: &str, account: Iban, bank: &str) -> Result<Self, DebtorError> {
        if name.trim().is_empty() || name.chars().count() > 70 || name.chars().any(char::is_control) {
            return Err(DebtorError::Name);
        }
        let (code, rest) = bank.split_at_checked(6).ok_or(DebtorError::Bank)?;
        let letters = code.bytes().all(|byte| byte.is_ascii_uppercase());
        let others = rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !letters || !others || !matches!(rest.len(), 2 | 5) {
            return Err(DebtorError::Bank);
        }
        Ok(Self { name: name.to_owned(), account, bank: bank.to_owned() })
    }

    /// The account that payouts leave.
    #[must_use]
    pub fn account(&self) -> &Iban {
        &self.account
    }
}

/// No such debtor can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DebtorError {
    /// The holder's name.
    #[error("the holder's name has 1 to 70 characters")]
    Name,
    /// The bank's BIC.
    #[error("a BIC has six capitals, then two or five capitals and digits (ISO 9362)")]
    Bank,
}

/// The most digits that an ISO 20022 amount has.
const MOST_DIGITS: usize = 18;

/// The file that asks for these payments. All are due on the first one's day; the first one's reference names the
/// message, so that the same payments are the same message.
///
/// # Errors
/// In words, if there is nothing to pay or an amount is beyond what the format can say.
pub fn credit_transfer(debtor: &Debtor, instructions: &[PayoutInstruction]) -> Result<String, String> {
    let first = instructions.first().ok_or("there is nothing to pay")?;
    let created = i64::try_from(first.created_at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let created = created.ok_or("the payout was made at a time that no calendar has")?;
    let mut transfers = String::new();
    for instruction in instructions {
        append_transfer(&mut transfers, instruction)?;
    }
    let (message, count) = (first.end_to_end(), instructions.len());
    let control_sum = control_sum(instructions);
    let (name, account, bank) = (escape(&*debtor.name), debtor.account.as_str(), &debtor.bank);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>{message}</MsgId>
      <CreDtTm>{created:.3}</CreDtTm>
      <NbOfTxs>{count}</NbOfTxs>
{control_sum}      <InitgPty><Nm>{name}</Nm></InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>{message}</PmtInfId>
      <PmtMtd>TRF</PmtMtd>
      <NbOfTxs>{count}</NbOfTxs>
{control_sum}      <ReqdExctnDt><Dt>{due_on}</Dt></ReqdExctnDt>
      <Dbtr><Nm>{name}</Nm></Dbtr>
      <DbtrAcct><Id><IBAN>{account}</IBAN></Id></DbtrAcct>
      <DbtrAgt><FinInstnId><BICFI>{bank}</BICFI></FinInstnId></DbtrAgt>
{transfers}    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
"#,
        due_on = first.due_on,
    ))
}

/// The sum of the amounts, for the bank to compare: only where they are of one currency.
fn control_sum(instructions: &[PayoutInstruction]) -> String {
    match instructions {
        [only] => format!("      <CtrlSum>{}</CtrlSum>\n", decimal(only)),
        _ => String::new(),
    }
}

fn append_transfer(out: &mut String, instruction: &PayoutInstruction) -> Result<(), String> {
    let amount = decimal(instruction);
    if amount.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS {
        return Err(format!("{amount} has more digits than a bank's file can say"));
    }
    let reference = instruction.end_to_end();
    let currency = instruction.money.currency();
    // Banks refuse a file for one such character.
    let holder: String = instruction
        .holder
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(70)
        .collect();
    let holder = match holder.trim() {
        "" => "NOTPROVIDED",
        holder => holder,
    };
    let (agent, account) = match &instruction.account {
        Account::Iban(iban) => (String::new(), format!("<IBAN>{}</IBAN>", iban.as_str())),
        Account::Local(local) => (
            format!(
                "        <CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>\n",
                local.bank()
            ),
            format!("<Othr><Id>{}</Id></Othr>", instruction.account.number()),
        ),
    };
    write!(
        out,
        "      <CdtTrfTxInf>
        <PmtId><InstrId>{reference}</InstrId><EndToEndId>{reference}</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt>
{agent}        <Cdtr><Nm>{holder}</Nm></Cdtr>
        <CdtrAcct><Id>{account}</Id></CdtrAcct>
        <RmtInf><Ustrd>{reference}</Ustrd></RmtInf>
      </CdtTrfTxInf>
",
        holder = escape(holder),
    )
    .map_err(|error| error.to_string())
}

/// The amount in the major unit, with all decimals of its currency.
fn decimal(instruction: &PayoutInstruction) -> String {
    let text = instruction.money.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}
