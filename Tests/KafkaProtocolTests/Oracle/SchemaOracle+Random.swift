// SPDX-License-Identifier: Apache-2.0
@testable import generate_protocol

extension SchemaOracle {
    /// A message that `version` can carry: fields of other versions hold their defaults.
    func randomMessage(version: Int16, using random: inout SeededRandom) -> Value.Record {
        randomRecord(message.root, version: version, depth: 0, using: &random)
    }

    private func randomRecord(
        _ structure: Structure, version: Int16, depth: Int, using random: inout SeededRandom
    ) -> Value.Record {
        var record = defaults(structure)
        for field in structure.fields where field.versions.contains(version) {
            if field.tag != nil, random.oneIn(3) { continue }
            if field.nullable?.contains(version) == true, random.oneIn(4) {
                record.fields[field.name] = .null
            } else {
                record.fields[field.name] = randomValue(field.type, version: version, depth: depth, using: &random)
            }
        }
        if isFlexible(version), random.oneIn(4) {
            let known = structure.fields.compactMap { $0.versions.contains(version) ? $0.tag : nil }
            for tag in [6, 40, 300, 70_000] where !known.contains(tag) && random.oneIn(2) {
                let count = random.oneIn(4) ? 130 : Int.random(in: 0...3, using: &random)
                record.unknown.append(Value.Tag(tag: UInt32(tag), bytes: randomBytes(count, using: &random)))
            }
        }
        return record
    }

    private func randomBytes(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func randomInteger<T: FixedWidthInteger>(_: T.Type, using random: inout SeededRandom) -> Value {
        let edges: [T] = [0, 1, .max, .min]
        let value = random.oneIn(3) ? edges.randomElement(using: &random)! : T.random(in: .min ... .max, using: &random)
        return .integer(Int64(truncatingIfNeeded: value))
    }

    private func randomValue(
        _ type: FieldType, version: Int16, depth: Int, using random: inout SeededRandom
    ) -> Value {
        switch type {
        case .bool: return .bool(random.oneIn(2))
        case .int8: return randomInteger(Int8.self, using: &random)
        case .int16: return randomInteger(Int16.self, using: &random)
        case .uint16: return randomInteger(UInt16.self, using: &random)
        case .int32: return randomInteger(Int32.self, using: &random)
        case .uint32: return randomInteger(UInt32.self, using: &random)
        case .int64: return randomInteger(Int64.self, using: &random)
        case .float64: return .double(Double.random(in: -1e9...1e9, using: &random).bitPattern)
        case .uuid: return .uuid(random.next(), random.next())
        case .string:
            let words = ["", "a", "topic-1", "größer", "日本語", String(repeating: "x", count: 130)]
            return .text(words.randomElement(using: &random)!)
        case .bytes, .records:
            return .bytes(randomBytes([0, 1, 5, 140].randomElement(using: &random)!, using: &random))
        case .array(let element):
            let count = Int.random(in: 0...(depth < 2 ? 3 : 1), using: &random)
            return .array(
                (0..<count).map { _ in randomValue(element, version: version, depth: depth + 1, using: &random) })
        case .structure(let name):
            return .structure(randomRecord(structure(name), version: version, depth: depth + 1, using: &random))
        }
    }
}
