// SPDX-License-Identifier: Apache-2.0
internal import KafkaBase
internal import KafkaRecords
internal import KafkaReplication
internal import KafkaRuntime
internal import KafkaStorage

/// Gives clients from before batch format 2 what they can read: message format 0 up to Fetch version 1, format 1 for
/// versions 2 and 3.
enum OldFormatConversion {
    /// Reads a range, which is small (the client's own limit), and converts it.
    ///
    /// Runs on the reactor: such clients are rare, and a fetch of theirs is bounded by `fetch.max.bytes`.
    static func convert(
        _ range: FetchedRange, from offset: Int64, forVersion version: Int16, _ logs: LogManager
    ) -> Result<[UInt8], PartitionFault> {
        guard let file = range.file else { return .success([]) }
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try file.readBytes(at: range.position, count: range.count)
        } catch {
            logs.fileFailed(error)
            return .failure(PartitionFault(.kafkaStorageError, message: "\(error)"))
        }
        var output = ByteWriter(capacity: bytes.count)
        var failure: RecordError?
        bytes.withUnsafeBytes { bytes in
            do throws(RecordError) {
                _ = try BatchDownConversion.convert(bytes, to: version >= 2 ? 1 : 0, from: offset, into: &output)
            } catch { failure = error }
        }
        // What the old format cannot hold at all is what Kafka 3 called an unsupported compression type.
        if let failure { return .failure(PartitionFault(.unsupportedCompressionType, message: "\(failure)")) }
        return .success(output.toArray())
    }
}
