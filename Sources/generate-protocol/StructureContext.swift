// SPDX-License-Identifier: Apache-2.0

/// One structure together with the message around it: what the emitters ask about.
struct StructureContext {
    let message: Message
    let structure: Structure

    /// Fields that at least one served version carries.
    var fields: [Field] { structure.fields.filter { $0.versions.intersection(structure.versions) != nil } }

    var untaggedFields: [Field] { fields.filter { $0.tag == nil } }

    var taggedFields: [Field] { fields.filter { $0.tag != nil }.sorted { $0.tag! < $1.tag! } }

    /// Whether any version of the structure has tagged fields.
    var hasFlexibleVersions: Bool { flexibleExpression != "false" }

    /// `true`, `false`, or the local constant `flexible`.
    var flexibleExpression: String {
        guard let first = message.firstFlexible, first <= structure.versions.upper else { return "false" }
        return first <= structure.versions.lower ? "true" : "flexible"
    }

    func flexible(_ field: Field) -> String {
        if field.isClassic { return "false" }
        return field.tag == nil ? flexibleExpression : "true"
    }

    func presence(_ field: Field) -> String? { field.versions.condition(in: structure.versions) }

    /// Neighbouring fields that the same versions carry.
    struct Run {
        /// What tells those versions; nil for all.
        let condition: String?
        var fields: [Field]
    }

    var untaggedRuns: [Run] {
        var runs: [Run] = []
        for field in untaggedFields {
            let condition = presence(field)
            if let last = runs.indices.last, runs[last].condition == condition {
                runs[last].fields.append(field)
            } else {
                runs.append(Run(condition: condition, fields: [field]))
            }
        }
        return runs
    }

    /// The fewest bytes that the structure takes in any version; at least 1.
    var minimumSize: Int {
        let sizes = (structure.versions.lower...structure.versions.upper).map { size(of: structure, version: $0) }
        return max(1, sizes.min() ?? 1)
    }

    private func size(of structure: Structure, version: Int16) -> Int {
        let flexible = message.firstFlexible.map { version >= $0 } ?? false
        var total = flexible ? 1 : 0
        for field in structure.fields where field.tag == nil && field.versions.contains(version) {
            total += size(of: field, version: version, flexible: flexible && !field.isClassic)
        }
        return total
    }

    private func size(of field: Field, version: Int16, flexible: Bool) -> Int {
        switch field.type {
        case .bool, .int8: return 1
        case .int16, .uint16: return 2
        case .int32, .uint32: return 4
        case .int64, .float64: return 8
        case .uuid: return 16
        case .string: return flexible ? 1 : 2
        case .bytes, .records, .array: return flexible ? 1 : 4
        case .structure(let name):
            if field.nullable?.contains(version) == true { return 1 }
            return message.structure(named: name).map { size(of: $0, version: version) } ?? 0
        }
    }

    /// Whether other code asks the structure if it holds nothing but defaults.
    var needsIsDefault: Bool { Self.structuresNeedingIsDefault(message).contains(structure.name) }

    private static func structuresNeedingIsDefault(_ message: Message) -> Set<String> {
        var needed: Set<String> = []
        func need(_ name: String) {
            guard needed.insert(name).inserted, let structure = message.structure(named: name) else { return }
            for field in structure.fields {
                if case .structure(let child) = field.type, field.defaultValue != .null { need(child) }
            }
        }
        for structure in [message.root] + message.structures {
            for field in structure.fields {
                guard case .structure(let name) = field.type, field.defaultValue != .null else { continue }
                let canBeAbsent = field.versions.condition(in: structure.versions) != nil && !field.isIgnorable
                if field.tag != nil || canBeAbsent { need(name) }
            }
        }
        return needed
    }
}
