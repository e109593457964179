// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaProtocol

/// Records of the metadata log as JSON: `{"type":"TOPIC_RECORD","version":0,"data":{…}}`. They have no keys.
enum MetadataRecordJSON {
    static func decode(offset: Int64, value: UnsafeRawBufferPointer?) -> DecodedRecord {
        var decoded = DecodedRecord()
        guard let value else {
            decoded.payload = .text("Error at \(offset), skipping. the record has no value")
            return decoded
        }
        do throws(WireError) {
            let (record, version) = try MetadataRecord.decode(value)
            decoded.payload = .text(record.json(version: version))
        } catch {
            decoded.payload = .text("Error at \(offset), skipping. \(error)")
        }
        return decoded
    }
}
