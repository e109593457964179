// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// Gives clients from before batch format 2 what they can read: message format 0 up to Fetch version 1, format 1 for
/// versions 2 and 3.
enum OldFormatConversion {
    /// Reads a range, which is small (the client's own limit), and converts it. Where it holds nothing that an old client
    /// is shown, but the ends of transactions, goes on behind it up to the high watermark: the client moves on only by
    /// records that it gets.
    ///
    /// Runs on the reactor: such clients are rare, and a fetch of theirs is bounded by `fetch.max.bytes`.
    static func convert(
        _ first: FetchedRange, of log: UnifiedLog?, from offset: Int64, maxBytes: Int, forVersion version: Int16
    ) -> Result<[UInt8], PartitionFault> {
        var range = first
        while let file = range.file {
            let outcome: (bytes: [UInt8], nextOffset: Int64?)
            switch convert(range, file, of: log, from: offset, forVersion: version) {
            case .success(let converted): outcome = converted
            case .failure(let fault): return .failure(fault)
            }
            guard outcome.bytes.isEmpty, let next = outcome.nextOffset, next > range.start.offset, let log else {
                return .success(outcome.bytes)
            }
            do throws(StorageError) {
                range = try log.read(from: next, maxBytes: maxBytes, isolation: .highWatermark, atLeastOne: true)
            } catch {
                return .failure(PartitionFault(error))
            }
        }
        return .success([])
    }

    private static func convert(
        _ range: FetchedRange, _ file: any File, of log: UnifiedLog?, from offset: Int64, forVersion version: Int16
    ) -> Result<(bytes: [UInt8], nextOffset: Int64?), PartitionFault> {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try file.readBytes(at: range.position, count: range.count)
        } catch {
            log?.readFailed(error)
            return .failure(PartitionFault(.kafkaStorageError, message: "\(error)"))
        }
        var output = ByteWriter(capacity: bytes.count)
        var nextOffset: Int64?
        var failure: RecordError?
        bytes.withUnsafeBytes { bytes in
            do throws(RecordError) {
                let outcome = try BatchDownConversion.convert(
                    bytes, to: version >= 2 ? 1 : 0, from: offset, into: &output)
                nextOffset = outcome.nextOffset
            } catch { failure = error }
        }
        // What the old format cannot hold at all is what Kafka 3 called an unsupported compression type.
        if let failure { return .failure(PartitionFault(.unsupportedCompressionType, message: "\(failure)")) }
        return .success((output.toArray(), nextOffset))
    }
}
