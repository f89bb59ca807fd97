//! The functions of pcsc-lite that are used, found when the program runs. All that is unsafe is here.
//!
//! Types and constants are those of pcsc-lite's `winscard.h`, `wintypes.h` and `pcsclite.h` on Linux: LONG and DWORD are as
//! long as a C `long`, and contexts and handles are LONGs.

use std::ffi::{CStr, c_char, c_long, c_ulong, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::time::Duration;

use crate::ReaderError;

/// DWORD.
pub(crate) type Word = c_ulong;
/// SCARDCONTEXT and SCARDHANDLE.
pub(crate) type Handle = c_long;

const LIBRARY: &str = "libpcsclite.so.1";

/// SCARD_SCOPE_SYSTEM.
const SCOPE_SYSTEM: Word = 2;
/// SCARD_SHARE_EXCLUSIVE.
const SHARE_EXCLUSIVE: Word = 1;
/// SCARD_PROTOCOL_T0 and T1: the ones that contactless cards are shown with.
const CONTACTLESS_PROTOCOLS: Word = 1 | 2;
/// SCARD_RESET_CARD: whoever comes next finds no session of ours.
const RESET_CARD: Word = 1;

/// SCARD_STATE_UNAWARE, SCARD_STATE_EMPTY and SCARD_STATE_PRESENT.
pub(crate) const STATE_UNAWARE: Word = 0;
pub(crate) const EMPTY: Word = 0x10;
pub(crate) const PRESENT: Word = 0x20;

/// An answer of the short form: 256 bytes and a status word.
const LONGEST_ANSWER: usize = 258;
/// MAX_ATR_SIZE.
const ANSWER_TO_RESET: usize = 33;

/// SCARD_READERSTATE of a reader with that name.
#[repr(C)]
pub(crate) struct ReaderState<'a> {
    name: *const c_char,
    user_data: *mut c_void,
    current: Word,
    event: Word,
    answer_length: Word,
    answer: [u8; ANSWER_TO_RESET],
    of: PhantomData<&'a CStr>,
}

impl<'a> ReaderState<'a> {
    /// A reader whose state was that when it was last seen.
    pub(crate) fn of(name: &'a CStr, seen: Word) -> Self {
        Self {
            name: name.as_ptr(),
            user_data: ptr::null_mut(),
            current: seen,
            event: 0,
            answer_length: 0,
            answer: [0; ANSWER_TO_RESET],
            of: PhantomData,
        }
    }

    /// The state that the library has found.
    pub(crate) fn seen(&self) -> Word {
        // SCARD_STATE_CHANGED is about the question, not about the reader.
        const CHANGED: Word = 2;
        self.event & !CHANGED
    }
}

/// SCARD_IO_REQUEST.
#[repr(C)]
struct IoRequest {
    protocol: Word,
    length: Word,
}

type EstablishContext = unsafe extern "C" fn(Word, *const c_void, *const c_void, *mut Handle) -> c_long;
type ReleaseContext = unsafe extern "C" fn(Handle) -> c_long;
type ListReaders = unsafe extern "C" fn(Handle, *const c_char, *mut c_char, *mut Word) -> c_long;
type GetStatusChange = unsafe extern "C" fn(Handle, Word, *mut ReaderState<'_>, Word) -> c_long;
type Connect = unsafe extern "C" fn(Handle, *const c_char, Word, Word, *mut Handle, *mut Word) -> c_long;
type Disconnect = unsafe extern "C" fn(Handle, Word) -> c_long;
type Transmit =
    unsafe extern "C" fn(Handle, *const IoRequest, *const u8, Word, *mut IoRequest, *mut u8, *mut Word) -> c_long;

/// The library with its functions. They are good as long as it is loaded, which is as long as this is there.
pub(crate) struct Library {
    establish_context: EstablishContext,
    release_context: ReleaseContext,
    list_readers: ListReaders,
    get_status_change: GetStatusChange,
    connect: Connect,
    disconnect: Disconnect,
    transmit: Transmit,
    _loaded: libloading::Library,
}

impl Library {
    pub(crate) fn load() -> Result<Self, ReaderError> {
        let missing = |error: libloading::Error| ReaderError::NoLibrary(error.to_string());
        // SAFETY: loading runs pcsc-lite's initialisers, which ask nothing of the process. It is the system's own library, by
        // the name that its interface has had for twenty years.
        let library = unsafe { libloading::Library::new(LIBRARY) }.map_err(missing)?;
        // SAFETY: each name is declared in winscard.h with the type that its field has here. The pointers are copied out of
        // their symbols and kept beside the library, which is dropped no earlier than they are.
        unsafe {
            Ok(Self {
                establish_context: *library.get(b"SCardEstablishContext\0").map_err(missing)?,
                release_context: *library.get(b"SCardReleaseContext\0").map_err(missing)?,
                list_readers: *library.get(b"SCardListReaders\0").map_err(missing)?,
                get_status_change: *library.get(b"SCardGetStatusChange\0").map_err(missing)?,
                connect: *library.get(b"SCardConnect\0").map_err(missing)?,
                disconnect: *library.get(b"SCardDisconnect\0").map_err(missing)?,
                transmit: *library.get(b"SCardTransmit\0").map_err(missing)?,
                _loaded: library,
            })
        }
    }

    pub(crate) fn establish_context(&self) -> Result<Handle, ReaderError> {
        let mut context = 0;
        // SAFETY: the two reserved pointers may be null; the context is written to a variable that outlives the call.
        check(unsafe { (self.establish_context)(SCOPE_SYSTEM, ptr::null(), ptr::null(), &raw mut context) })?;
        Ok(context)
    }

    pub(crate) fn release_context(&self, context: Handle) {
        // SAFETY: a number, which the library looks up; it refuses one that it does not know.
        unsafe { (self.release_context)(context) };
    }

    /// The names, with a zero byte after each.
    pub(crate) fn list_readers(&self, context: Handle) -> Result<Vec<u8>, ReaderError> {
        // A reader more between the two calls is refused as too little room, and not written.
        let mut length = 0;
        // SAFETY: without groups and without room the library writes the length only, to a variable that outlives the call.
        let found = unsafe { (self.list_readers)(context, ptr::null(), ptr::null_mut(), &raw mut length) };
        match check(found) {
            Err(ReaderError::NoSuchReader) => return Ok(Vec::new()),
            other => other?,
        }
        let mut names = vec![0_u8; usize::try_from(length).unwrap_or(0)];
        // SAFETY: `names` has `length` bytes, and the library writes no more than it is told there are.
        check(unsafe { (self.list_readers)(context, ptr::null(), names.as_mut_ptr().cast(), &raw mut length) })?;
        Ok(names)
    }

    pub(crate) fn get_status_change(
        &self,
        context: Handle,
        patience: Duration,
        state: &mut ReaderState<'_>,
    ) -> Result<(), ReaderError> {
        let patience = Word::try_from(patience.as_millis()).unwrap_or(Word::MAX);
        // SAFETY: one state, laid out as winscard.h has it; its name ends with a zero byte and is borrowed for as long as the
        // state lives, which is longer than this call.
        let status = unsafe { (self.get_status_change)(context, patience, state, 1) };
        if code(status) == TIMEOUT { Ok(()) } else { check(status) }
    }

    /// The card's handle and the protocol that it is spoken to with.
    pub(crate) fn connect(&self, context: Handle, reader: &CStr) -> Result<(Handle, Word), ReaderError> {
        let (mut card, mut protocol) = (0, 0);
        // SAFETY: the name ends with a zero byte; both results are written to variables that outlive the call.
        check(unsafe {
            (self.connect)(
                context,
                reader.as_ptr(),
                SHARE_EXCLUSIVE,
                CONTACTLESS_PROTOCOLS,
                &raw mut card,
                &raw mut protocol,
            )
        })?;
        Ok((card, protocol))
    }

    pub(crate) fn disconnect(&self, card: Handle) {
        // SAFETY: a number, which the library looks up; it refuses one that it does not know.
        unsafe { (self.disconnect)(card, RESET_CARD) };
    }

    pub(crate) fn transmit(&self, card: Handle, protocol: Word, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let header = Word::try_from(size_of::<IoRequest>()).unwrap_or(0);
        let request = IoRequest { protocol, length: header };
        let length = Word::try_from(command.len()).map_err(|_| ReaderError::Other(0))?;
        let mut answer = [0_u8; LONGEST_ANSWER];
        let mut answered = Word::try_from(answer.len()).unwrap_or(0);
        // SAFETY: the command has `length` bytes and is read only, the answer has `answered` bytes and no more are written;
        // the header of the answer may be null; all of it outlives the call.
        check(unsafe {
            (self.transmit)(
                card,
                &raw const request,
                command.as_ptr(),
                length,
                ptr::null_mut(),
                answer.as_mut_ptr(),
                &raw mut answered,
            )
        })?;
        let answered = usize::try_from(answered).unwrap_or(usize::MAX);
        Ok(answer.get(..answered).ok_or(ReaderError::Other(0))?.to_vec())
    }
}

/// SCARD_E_TIMEOUT.
const TIMEOUT: u32 = 0x8010_000A;

/// The library's codes have 32 bits, whatever a `long` has.
fn code(status: c_long) -> u32 {
    let [a, b, c, d, ..] = status.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn check(status: c_long) -> Result<(), ReaderError> {
    match code(status) {
        0 => Ok(()),
        // SCARD_E_NO_SERVICE, SCARD_E_SERVICE_STOPPED.
        0x8010_001D | 0x8010_001E => Err(ReaderError::NoService),
        // SCARD_E_UNKNOWN_READER, SCARD_E_READER_UNAVAILABLE, SCARD_E_NO_READERS_AVAILABLE.
        0x8010_0009 | 0x8010_0017 | 0x8010_002E => Err(ReaderError::NoSuchReader),
        // SCARD_E_NO_SMARTCARD, SCARD_W_UNRESPONSIVE_CARD, SCARD_W_UNPOWERED_CARD, SCARD_W_RESET_CARD, SCARD_W_REMOVED_CARD.
        0x8010_000C | 0x8010_0066 | 0x8010_0067 | 0x8010_0068 | 0x8010_0069 => Err(ReaderError::NoCard),
        // SCARD_E_SHARING_VIOLATION.
        0x8010_000B => Err(ReaderError::Shared),
        other => Err(ReaderError::Other(other)),
    }
}
