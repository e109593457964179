// SPDX-License-Identifier: Apache-2.0

/// Bytes written in hexadecimal; spaces and line ends may stand anywhere.
func hex(_ text: some StringProtocol) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    precondition(digits.count % 2 == 0, "hexadecimal digits come in pairs")
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
