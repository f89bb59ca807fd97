//! The active currencies of ISO 4217 (list one of the maintenance agency, 2026-01-01) that have a minor unit.
//!
//! Codes without one (gold, special drawing rights, "no currency", the testing code) are left out: nothing can be
//! priced or paid in them.

/// One row of ISO 4217 list one.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The three-letter code.
    pub(crate) alpha: &'static str,
    /// The three-digit code.
    pub(crate) numeric: u16,
    /// How many decimals the minor unit is away from the major one.
    pub(crate) minor_unit_digits: u8,
}

const fn entry(alpha: &'static str, numeric: u16, minor_unit_digits: u8) -> Entry {
    Entry { alpha, numeric, minor_unit_digits }
}

/// What stands at a numeric code that no currency has.
const VACANT: Entry = entry("", 0, 0);

/// The row of an alphabetic code; only capitals match.
pub(crate) fn by_alpha(alpha: &str) -> Option<&'static Entry> {
    let index = BY_ALPHA.binary_search_by(|row| row.alpha.cmp(alpha)).ok()?;
    BY_ALPHA.get(index)
}

/// The row of a numeric code.
pub(crate) fn by_numeric(numeric: u16) -> Option<&'static Entry> {
    BY_NUMERIC.get(usize::from(numeric)).filter(|row| !row.alpha.is_empty())
}

/// The rows by numeric code, so that a currency finds its row without a search.
static BY_NUMERIC: [Entry; 1000] = index_by_numeric();

const fn index_by_numeric() -> [Entry; 1000] {
    let mut index = [VACANT; 1000];
    let mut i = 0;
    while i < BY_ALPHA.len() {
        index[BY_ALPHA[i].numeric as usize] = BY_ALPHA[i];
        i += 1;
    }
    index
}

/// In the order of the alphabetic code, for binary search.
const BY_ALPHA: &[Entry] = &[
    entry("AED", 784, 2),
    entry("AFN", 971, 2),
    entry("ALL", 8, 2),
    entry("AMD", 51, 2),
    entry("AOA", 973, 2),
    entry("ARS", 32, 2),
    entry("AUD", 36, 2),
    entry("AWG", 533, 2),
    entry("AZN", 944, 2),
    entry("BAM", 977, 2),
    entry("BBD", 52, 2),
    entry("BDT", 50, 2),
    entry("BHD", 48, 3),
    entry("BIF", 108, 0),
    entry("BMD", 60, 2),
    entry("BND", 96, 2),
    entry("BOB", 68, 2),
    entry("BOV", 984, 2),
    entry("BRL", 986, 2),
    entry("BSD", 44, 2),
    entry("BTN", 64, 2),
    entry("BWP", 72, 2),
    entry("BYN", 933, 2),
    entry("BZD", 84, 2),
    entry("CAD", 124, 2),
    entry("CDF", 976, 2),
    entry("CHE", 947, 2),
    entry("CHF", 756, 2),
    entry("CHW", 948, 2),
    entry("CLF", 990, 4),
    entry("CLP", 152, 0),
    entry("CNY", 156, 2),
    entry("COP", 170, 2),
    entry("COU", 970, 2),
    entry("CRC", 188, 2),
    entry("CUP", 192, 2),
    entry("CVE", 132, 2),
    entry("CZK", 203, 2),
    entry("DJF", 262, 0),
    entry("DKK", 208, 2),
    entry("DOP", 214, 2),
    entry("DZD", 12, 2),
    entry("EGP", 818, 2),
    entry("ERN", 232, 2),
    entry("ETB", 230, 2),
    entry("EUR", 978, 2),
    entry("FJD", 242, 2),
    entry("FKP", 238, 2),
    entry("GBP", 826, 2),
    entry("GEL", 981, 2),
    entry("GHS", 936, 2),
    entry("GIP", 292, 2),
    entry("GMD", 270, 2),
    entry("GNF", 324, 0),
    entry("GTQ", 320, 2),
    entry("GYD", 328, 2),
    entry("HKD", 344, 2),
    entry("HNL", 340, 2),
    entry("HTG", 332, 2),
    entry("HUF", 348, 2),
    entry("IDR", 360, 2),
    entry("ILS", 376, 2),
    entry("INR", 356, 2),
    entry("IQD", 368, 3),
    entry("IRR", 364, 2),
    entry("ISK", 352, 0),
    entry("JMD", 388, 2),
    entry("JOD", 400, 3),
    entry("JPY", 392, 0),
    entry("KES", 404, 2),
    entry("KGS", 417, 2),
    entry("KHR", 116, 2),
    entry("KMF", 174, 0),
    entry("KPW", 408, 2),
    entry("KRW", 410, 0),
    entry("KWD", 414, 3),
    entry("KYD", 136, 2),
    entry("KZT", 398, 2),
    entry("LAK", 418, 2),
    entry("LBP", 422, 2),
    entry("LKR", 144, 2),
    entry("LRD", 430, 2),
    entry("LSL", 426, 2),
    entry("LYD", 434, 3),
    entry("MAD", 504, 2),
    entry("MDL", 498, 2),
    entry("MGA", 969, 2),
    entry("MKD", 807, 2),
    entry("MMK", 104, 2),
    entry("MNT", 496, 2),
    entry("MOP", 446, 2),
    entry("MRU", 929, 2),
    entry("MUR", 480, 2),
    entry("MVR", 462, 2),
    entry("MWK", 454, 2),
    entry("MXN", 484, 2),
    entry("MXV", 979, 2),
    entry("MYR", 458, 2),
    entry("MZN", 943, 2),
    entry("NAD", 516, 2),
    entry("NGN", 566, 2),
    entry("NIO", 558, 2),
    entry("NOK", 578, 2),
    entry("NPR", 524, 2),
    entry("NZD", 554, 2),
    entry("OMR", 512, 3),
    entry("PAB", 590, 2),
    entry("PEN", 604, 2),
    entry("PGK", 598, 2),
    entry("PHP", 608, 2),
    entry("PKR", 586, 2),
    entry("PLN", 985, 2),
    entry("PYG", 600, 0),
    entry("QAR", 634, 2),
    entry("RON", 946, 2),
    entry("RSD", 941, 2),
    entry("RUB", 643, 2),
    entry("RWF", 646, 0),
    entry("SAR", 682, 2),
    entry("SBD", 90, 2),
    entry("SCR", 690, 2),
    entry("SDG", 938, 2),
    entry("SEK", 752, 2),
    entry("SGD", 702, 2),
    entry("SHP", 654, 2),
    entry("SLE", 925, 2),
    entry("SOS", 706, 2),
    entry("SRD", 968, 2),
    entry("SSP", 728, 2),
    entry("STN", 930, 2),
    entry("SVC", 222, 2),
    entry("SYP", 760, 2),
    entry("SZL", 748, 2),
    entry("THB", 764, 2),
    entry("TJS", 972, 2),
    entry("TMT", 934, 2),
    entry("TND", 788, 3),
    entry("TOP", 776, 2),
    entry("TRY", 949, 2),
    entry("TTD", 780, 2),
    entry("TWD", 901, 2),
    entry("TZS", 834, 2),
    entry("UAH", 980, 2),
    entry("UGX", 800, 0),
    entry("USD", 840, 2),
    entry("USN", 997, 2),
    entry("UYI", 940, 0),
    entry("UYU", 858, 2),
    entry("UYW", 927, 4),
    entry("UZS", 860, 2),
    entry("VED", 926, 2),
    entry("VES", 928, 2),
    entry("VND", 704, 0),
    entry("VUV", 548, 0),
    entry("WST", 882, 2),
    entry("XAD", 396, 2),
    entry("XAF", 950, 0),
    entry("XCD", 951, 2),
    entry("XCG", 532, 2),
    entry("XOF", 952, 0),
    entry("XPF", 953, 0),
    entry("YER", 886, 2),
    entry("ZAR", 710, 2),
    entry("ZMW", 967, 2),
    entry("ZWG", 924, 2),
];
