"""A software tag in the field of a reader that nfcpy takes for its own.

nfcpy talks ISO/IEC 14443-4 blocks with a front end. This one hands what is in them to a software tag that runs as a
program of its own, one command a line, and packs its answers into blocks again.
"""

import subprocess

import nfc.clf
import nfc.tag.tt4

# The chip's answer to select: frames of 128 bytes.
ANSWER_TO_SELECT = bytes.fromhex("067777710280")


class SoftwareTag:
    """The program, and what it answered."""

    def __init__(self, program, *options):
        self._process = subprocess.Popen(
            [program, *options, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _ask(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return bytes.fromhex(self._process.stdout.readline().strip())

    def activate(self):
        """Power, and the identifier with which the tag answers."""
        return self._ask("reset")

    def respond(self, command):
        return self._ask(bytes(command).hex())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=5)


class FrontEnd:
    """What nfcpy wants of a contactless front end, and nothing more."""

    max_send_data_size = 128
    max_recv_data_size = 256

    def __init__(self, tag):
        self._tag = tag
        self._command = b""
        self._frames = []

    def exchange(self, data, timeout):
        data = bytes(data)
        if data[0] == 0xE0:
            return bytearray(ANSWER_TO_SELECT)
        control = data[0]
        if control & 0xE2 == 0x02:
            self._command += data[1:]
            if control & 0x10:
                return bytearray([0xA2 | control & 1])
            answer = self._tag.respond(self._command)
            self._command = b""
            # Longer answers come in several blocks, of which each but the last says that more follows.
            self._frames = [answer[at : at + 125] for at in range(0, len(answer), 125)]
            return self._next_frame(control & 1)
        if control & 0xF6 == 0xA2 and self._frames:
            return self._next_frame(control & 1)
        if control & 0xF6 == 0xB2:
            return bytearray([0xA2 | control & 1])
        raise nfc.clf.ProtocolError("block %02X" % control)

    def _next_frame(self, number):
        frame = self._frames.pop(0)
        return bytearray([(0x12 if self._frames else 0x02) | number]) + frame


def activate(tag):
    """The tag as nfcpy sees it."""
    identifier = bytearray(tag.activate())
    target = nfc.clf.RemoteTarget(
        "106A", sens_res=bytearray.fromhex("4403"), sel_res=bytearray.fromhex("20"), sdd_res=identifier
    )
    return nfc.tag.tt4.Type4ATag(FrontEnd(tag), target)
