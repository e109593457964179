// SPDX-License-Identifier: Apache-2.0
import KafkaBase

/// Lines of text on their way out, gathered into pieces of about 64 KiB.
///
/// Used by one thread. Nothing is lost silently: where `write` fails, the tool ends.
package final class TextSink {
    private static let pieceSize = 64 << 10

    private var buffer = ByteWriter(capacity: pieceSize + 4096)
    private let write: (UnsafeRawBufferPointer) -> Void

    package init(_ write: @escaping (UnsafeRawBufferPointer) -> Void) { self.write = write }

    deinit { flush() }

    package func text(_ text: String) { buffer.writeUTF8(text) }

    package func number(_ value: some BinaryInteger) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var rest = UInt64(value.magnitude)
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 {
                start -= 1
                digits[start] = UInt8(ascii: "-")
            }
            buffer.write(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Bytes as UTF-8; what is not valid is replaced by U+FFFD.
    package func utf8(_ bytes: UnsafeRawBufferPointer) { buffer.writeUTF8(String(decoding: bytes, as: UTF8.self)) }

    package func endLine() {
        buffer.writeUInt8(UInt8(ascii: "\n"))
        if buffer.count >= Self.pieceSize { flush() }
    }

    package func line(_ text: String) {
        self.text(text)
        endLine()
    }

    package func flush() {
        if buffer.count > 0 { write(buffer.bytes) }
        buffer.removeAll(keeping: Self.pieceSize + 4096)
    }
}
