// SPDX-License-Identifier: Apache-2.0
import KafkaBase
package import KafkaRuntime

/// `<offset>.snapshot`: the state of a log's producers when its end was at `offset`.
///
/// int16 version (1), uint32 CRC-32C of everything behind it, int32 number of entries, then entries of 46 bytes:
/// producerID i64, epoch i16, lastSequence i32, lastOffset i64, offsetDelta i32, timestamp i64, coordinatorEpoch i32,
/// currentTransactionFirstOffset i64. Only a producer's last batch is kept.
package enum ProducerSnapshot {
    static let version: Int16 = 1
    static let headerSize = 10
    static let entrySize = 46

    static func encode(_ states: [ProducerState]) -> [UInt8] {
        var writer = ByteWriter(capacity: headerSize + states.count * entrySize)
        writer.writeInt16(version)
        let checksum = writer.reserveField(4)
        writer.writeInt32(Int32(states.count))
        for state in states {
            let last = state.lastBatch ?? .none
            writer.writeInt64(state.producerID)
            writer.writeInt16(state.epoch)
            writer.writeInt32(last.lastSequence)
            writer.writeInt64(last.lastOffset)
            writer.writeInt32(last.offsetDelta)
            writer.writeInt64(state.lastTimestamp)
            writer.writeInt32(state.coordinatorEpoch)
            writer.writeInt64(state.currentTransactionFirstOffset)
        }
        let covered = UnsafeRawBufferPointer(rebasing: writer.bytes[6...])
        writer.overwriteUInt32(CRC32C.checksum(covered), at: checksum)
        return writer.toArray()
    }

    /// Reads a snapshot file.
    package static func read(_ path: String, _ files: any FileSystem) throws(StorageError) -> [ProducerState] {
        guard let bytes = try storing({ () throws(FileError) in try files.readFile(path, limit: 1 << 30) }) else {
            throw .io(FileError(.notFound, operation: "open", path: path))
        }
        return try decode(bytes, path: path)
    }

    /// Whether there is such a file and it can be believed.
    static func isWhole(_ path: String, _ files: any FileSystem) throws(StorageError) -> Bool {
        do throws(StorageError) {
            _ = try read(path, files)
            return true
        } catch {
            switch error {
            case .corrupt: return false
            case .io(let failure) where failure.kind == .notFound: return false
            default: throw error
            }
        }
    }

    static func decode(_ bytes: [UInt8], path: String) throws(StorageError) -> [ProducerState] {
        func corrupt(_ position: Int, _ reason: String) -> StorageError {
            .corrupt(path: path, position: Int64(position), reason: reason)
        }
        guard bytes.count >= headerSize else { throw corrupt(bytes.count, "too short for a snapshot") }
        var result = Result<[ProducerState], StorageError>.success([])
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            do throws(WireError) {
                guard try reader.readInt16() == version else {
                    result = .failure(corrupt(0, "unknown version"))
                    return
                }
                let stored = try reader.readUInt32()
                guard stored == CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[6...])) else {
                    result = .failure(corrupt(2, "wrong checksum"))
                    return
                }
                let count = Int(try reader.readInt32())
                guard count >= 0, count * entrySize == reader.remaining else {
                    result = .failure(corrupt(6, "\(count) entries do not fit the file"))
                    return
                }
                var states: [ProducerState] = []
                states.reserveCapacity(count)
                for _ in 0..<count { states.append(try decodeEntry(&reader)) }
                result = .success(states)
            } catch {
                result = .failure(corrupt(reader.position, "\(error)"))
            }
        }
        return try result.get()
    }

    private static func decodeEntry(_ reader: inout ByteReader) throws(WireError) -> ProducerState {
        let producerID = try reader.readInt64()
        let epoch = try reader.readInt16()
        let lastSequence = try reader.readInt32()
        let lastOffset = try reader.readInt64()
        let offsetDelta = try reader.readInt32()
        let timestamp = try reader.readInt64()
        let batch = ProducedBatch(
            lastSequence: lastSequence, lastOffset: lastOffset, offsetDelta: offsetDelta, timestamp: timestamp)
        return ProducerState(
            producerID: producerID, epoch: epoch, coordinatorEpoch: try reader.readInt32(), lastTimestamp: timestamp,
            currentTransactionFirstOffset: try reader.readInt64(), batch: lastOffset >= 0 ? batch : nil)
    }
}
