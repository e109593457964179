// SPDX-License-Identifier: Apache-2.0
import Foundation

extension TextSink {
    package static func standardOutput() -> TextSink { TextSink { write($0, to: .standardOutput) } }

    package static func standardError() -> TextSink { TextSink { write($0, to: .standardError) } }

    private static func write(_ bytes: UnsafeRawBufferPointer, to handle: FileHandle) {
        do {
            try handle.write(contentsOf: Data(bytes))
        } catch {
            // The reader is gone or the disk is full; there is nobody left to tell but standard error.
            if handle !== FileHandle.standardError {
                try? FileHandle.standardError.write(contentsOf: Data("cannot write the output: \(error)\n".utf8))
            }
            exit(1)
        }
    }
}
