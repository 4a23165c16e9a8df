"""Submissions as sendmail hands them to postdrop (lib/message/submission.h), right ones and forged ones."""


def crc32c(data):
    """CRC-32C, bit by bit: small inputs alone."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def submission(lines, content):
    """LINES: of the head, without the first and the empty one."""
    text = b"postern submission 1\n" + lines + b"\n" + content
    return text + b"\nend %020d %08x\n" % (len(text), crc32c(text))
