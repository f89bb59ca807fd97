//! Files in memory, and changes to them that bytes describe.

use std::path::Path;

use journal::Disk;

/// Puts a file onto a disk.
pub(crate) fn place(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let mut file = disk.create(path).expect("the file is new");
    let mut written = 0;
    while written < bytes.len() {
        written += file.write_at(&bytes[written..], written as u64).expect("the disk has no faults");
    }
}

/// What a file on a disk holds.
pub(crate) fn contents(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path).expect("the file is there");
    let length = file.length().expect("the disk has no faults");
    let mut bytes = vec![0; usize::try_from(length).expect("the file is in memory")];
    file.read_exact_at(&mut bytes, 0).expect("the disk has no faults");
    bytes
}

/// Changes a byte for each three of `edits`: two for the place, counted from the end where files keep their footers,
/// and one for what changes. Says whether anything did.
pub(crate) fn edit(bytes: &mut [u8], edits: &[u8]) -> bool {
    let before = bytes.to_vec();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len().max(1);
        if let Some(byte) = bytes.iter_mut().nth_back(place) {
            *byte ^= edit[2];
        }
    }
    before != bytes
}
