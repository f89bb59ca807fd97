"""nfcpy reads and writes the software tag as any Type 4 tag: `read_and_write.py PROGRAM`."""

import sys

import ndef

from field import SoftwareTag, activate

MESSAGE = [
    ndef.UriRecord("https://pay.example/" + "p" * 100),
    ndef.TextRecord("付款", "zh"),
    ndef.Record("urn:nfc:ext:android.com:pkg", "", b"com.example.pay"),
]

tag = SoftwareTag(sys.argv[1])
reader = activate(tag)
assert reader.ndef is not None, "nfcpy finds an NDEF application"
assert (reader.ndef.capacity, reader.ndef.is_readable, reader.ndef.is_writeable) == (254, True, True)
assert reader.ndef.length == 0 and reader.ndef.records == []

reader.ndef.records = MESSAGE
again = activate(tag)
assert again.ndef.records == MESSAGE, again.ndef.records
assert again.ndef.has_changed is False
assert len(again.dump()) == 16
assert again.is_present

assert again.format(wipe=0x5A)
assert activate(tag).ndef.length == 0
tag.close()
print("nfcpy read, wrote and wiped the tag")
