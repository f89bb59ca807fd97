"""pylibsdm personalises the software tag and checks what a touch of it says: `personalise.py PROGRAM`."""

import logging
import sys

import ndef
from nfc.tag.tt4 import Type4TagCommandError
from pylibsdm.backend.validate import ParamValidator
from pylibsdm.tag.ntag424dna import (
    AccessCondition,
    AccessRights,
    CommMode,
    FileOption,
    FileSettings,
    SDMAccessRights,
    SDMOptions,
    Tag,
)

from field import SoftwareTag, activate

# Its validator warns of the wrong key that it is given on purpose.
logging.disable(logging.WARNING)

NEW_KEY = bytes(range(16))
UID = bytes.fromhex("04A9707A0B1090")
URL = "https://pay.example/t?e=" + "0" * 32 + "&d=" + "0" * 64 + "&c=" + "0" * 16
SECRET = b"what only the merchant may read!"

tag = SoftwareTag(sys.argv[1], "--uid", UID.hex())

# The message is written as on any tag; the part that is to be encrypted has its plaintext in its first half.
reader = activate(tag)
reader.ndef.records = [ndef.UriRecord(URL.replace("&d=" + "0" * 32, "&d=" + SECRET.decode()))]
static = bytes(2) + b"".join(ndef.message_encoder(reader.ndef.records))
place = static.index(b"pay.example") - len("https://")


def offset(of):
    return place + URL.index(of) + len(of)


chip = Tag(activate(tag))
assert chip.authenticate_ev2_first(0)
settings = chip.get_file_settings(2)
assert (settings.file_size, settings.file_option.sdm_enabled) == (256, False)

# A wrong key is refused, and that is all that happens.
chip.set_key(3, b"\1" * 16)
try:
    chip.authenticate_ev2_first(3)
    raise AssertionError("a wrong key was taken")
except Type4TagCommandError as refusal:
    assert refusal.errno == 0x91AE, hex(refusal.errno)

changed = FileSettings(
    file_option=FileOption(sdm_enabled=True, comm_mode=CommMode.PLAIN),
    access_rights=AccessRights(
        read=AccessCondition.FREE_ACCESS,
        write=AccessCondition.KEY_0,
        read_write=AccessCondition.KEY_0,
        change=AccessCondition.KEY_0,
    ),
    sdm_options=SDMOptions(uid=True, read_ctr=True, read_ctr_limit=False, enc_file_data=True, tt_status=False),
    sdm_access_rights=SDMAccessRights(
        meta_read=AccessCondition.KEY_1, file_read=AccessCondition.KEY_2, ctr_ret=AccessCondition.KEY_0
    ),
    picc_data_offset=offset("?e="),
    mac_input_offset=offset("&d="),
    enc_offset=offset("&d="),
    enc_length=64,
    mac_offset=offset("&c="),
)
assert chip.authenticate_ev2_first(0)
chip.change_file_settings(2, changed)
shown = chip.get_file_settings(2)
assert shown == changed.copy(update={"file_size": 256}), shown

chip.change_key(0, NEW_KEY, 7)
try:
    chip.authenticate_ev2_first(0)
    raise AssertionError("the old key was taken")
except Type4TagCommandError as refusal:
    assert refusal.errno == 0x91AE, hex(refusal.errno)
chip.set_key(0, NEW_KEY)
assert chip.authenticate_ev2_first(0)

for count in range(1, 4):
    touched = activate(tag)
    validator = ParamValidator(param_picc_data="e", param_enc_data="d", param_cmac="c", param_cmac_input="d")
    validator.parse_ndef(touched)
    assert validator.cmac_valid, touched.ndef.records
    assert (validator.uid, validator.read_ctr) == (UID, count), (validator.uid, validator.read_ctr)
    assert validator.file_data == SECRET, validator.file_data
    assert not ParamValidator(
        k_sdm_file_read="11" * 16, param_picc_data="e", param_cmac="c", param_cmac_input="d"
    ).validate_cmac(validator.cmac, validator.e_picc_data, "")
tag.close()
print("pylibsdm personalised the tag, and three touches of it verify")
