// SPDX-License-Identifier: Apache-2.0
import KafkaBase
import KafkaRecords
import KafkaRuntime
import Testing

@testable import KafkaStorage

/// What a compacted log must hold: everything that was written, by offset.
struct CompactionModel {
    /// `key=value`, or `key` for a deletion; nil for records of aborted transactions and markers.
    private(set) var written: [Int64: String?] = [:]

    mutating func wrote(_ records: [String], at offset: Int64) {
        for (index, record) in records.enumerated() { written[offset + Int64(index)] = .some(record) }
    }

    /// Offsets that need not be found again: markers, and records of transactions that were aborted.
    mutating func ignore(_ offsets: ClosedRange<Int64>) { for offset in offsets { written[offset] = .some(nil) } }

    mutating func truncate(to end: Int64) { written = written.filter { $0.key < end } }

    private static func key(_ record: String) -> String { String(record.prefix { $0 != "=" }) }

    /// The value of every key that has one, with its offset.
    var live: [String: String] {
        var result: [String: String] = [:]
        for (offset, record) in written.sorted(by: { $0.key < $1.key }) {
            guard let record else { continue }
            let key = Self.key(record)
            result[key] = record == key ? nil : "\(offset):\(record)"
        }
        return result
    }

    /// Checks a log's records, as `keyed` gives them, read without looking at transactions.
    func check(_ found: [String], _ hint: @autoclosure () -> String) {
        var last: Int64 = -1
        var seen: [String: String] = [:]
        for entry in found {
            let colon = entry.firstIndex(of: ":")!
            let offset = Int64(entry[..<colon])!
            let record = String(entry[entry.index(after: colon)...])
            #expect(offset > last, "\(hint()): offsets ascend, \(found)")
            last = offset
            guard let known = written[offset] else {
                Issue.record("\(hint()): nobody wrote \(entry)")
                continue
            }
            guard let known else { continue }
            #expect(known == record, "\(hint()): offset \(offset)")
            let key = Self.key(record)
            seen[key] = record == key ? nil : entry
        }
        #expect(seen == live, "\(hint()): the last value of every key")
    }
}
