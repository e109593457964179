// SPDX-License-Identifier: Apache-2.0
import DequeModule
import KafkaRuntime

/// What a connection was given to send and the operating system has not taken yet.
struct OutputQueue {
    private enum Piece {
        case bytes([UInt8], from: Int)
        case file(any File, offset: Int64, count: Int)
    }

    private var pieces: Deque<Piece> = []
    /// Bytes in all pieces.
    private(set) var count = 0

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        pieces.append(.bytes([UInt8](bytes), from: 0))
        count += bytes.count
    }

    mutating func add(_ file: any File, offset: Int64, count added: Int) {
        guard added > 0 else { return }
        pieces.append(.file(file, offset: offset, count: added))
        count += added
    }

    mutating func removeAll() {
        pieces = []
        count = 0
    }

    /// Takes up to `maximum` bytes from the front; bytes of a file are read now, as `sendfile` would.
    mutating func take(_ maximum: Int) throws(NetworkError) -> [UInt8] {
        var taken: [UInt8] = []
        while taken.count < maximum, let first = pieces.popFirst() {
            let room = maximum - taken.count
            switch first {
            case .bytes(let bytes, let start):
                let end = min(bytes.count, start + room)
                taken.append(contentsOf: bytes[start..<end])
                if end < bytes.count { pieces.prepend(.bytes(bytes, from: end)) }
            case .file(let file, let offset, let count):
                let wanted = min(room, count)
                taken.append(contentsOf: try Self.read(file, offset: offset, count: wanted))
                if wanted < count {
                    pieces.prepend(.file(file, offset: offset + Int64(wanted), count: count - wanted))
                }
            }
        }
        count -= taken.count
        return taken
    }

    private static func read(_ file: any File, offset: Int64, count: Int) throws(NetworkError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try file.readBytes(at: offset, count: count)
        } catch {
            throw NetworkError("sending a file failed: \(error)", code: error.code, file: error)
        }
        guard bytes.count == count else {
            throw NetworkError("\(file.path) ends before byte \(offset + Int64(count)) that was to be sent")
        }
        return bytes
    }
}
