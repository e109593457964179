// SPDX-License-Identifier: Apache-2.0

/// How fields look in Swift: types, defaults, conditions.
extension FieldType {
    var swift: String {
        switch self {
        case .bool: "Bool"
        case .int8: "Int8"
        case .int16: "Int16"
        case .uint16: "UInt16"
        case .int32: "Int32"
        case .uint32: "UInt32"
        case .int64: "Int64"
        case .float64: "Double"
        case .uuid: "KafkaUUID"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .records: "RecordBytes"
        case .structure(let name): name
        case .array(let element): "[\(element.swift)]"
        }
    }

    /// The middle of the names of the reader's and writer's methods: `readInt32`, `writeNullableUUIDArray`.
    var methodName: String {
        switch self {
        case .float64: "Float64"
        case .uuid: "UUID"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .bytes: "Bytes"
        case .records: "Records"
        case .array(.structure): "Array"
        case .array(let element): "\(element.methodName)Array"
        default: swift
        }
    }

    /// Whether the encoding has one size and no way to fail when written.
    var isFixedSize: Bool {
        switch self {
        case .string, .bytes, .records, .structure, .array: false
        default: true
        }
    }

    private var emptyValue: String {
        switch self {
        case .bool: "false"
        case .string: "\"\""
        case .uuid: ".zero"
        case .records: ".null"
        case .bytes, .array: "[]"
        case .structure(let name): "\(name)()"
        default: "0"
        }
    }

    func swift(_ value: DefaultValue) -> String {
        switch value {
        case .empty: emptyValue
        case .null: self == .records ? ".null" : "nil"
        case .literal(let text): text
        }
    }
}

extension Field {
    /// `records` has a null of its own and is never optional.
    var isOptional: Bool { nullable != nil && type != .records }

    var swiftType: String { type.swift + (isOptional ? "?" : "") }

    var swiftDefault: String { type.swift(defaultValue) }

    private static let localNames: Set<String> = ["version", "reader", "writer", "field", "flexible", "tags", "json"]

    /// The property as the generated methods name it.
    var access: String {
        Self.localNames.contains(swiftName) || Naming.quoted(swiftName) != swiftName ? "self.\(swiftName)" : swiftName
    }

    /// An expression that is true unless the field holds its default.
    var differsFromDefault: String {
        switch (type, defaultValue) {
        case (.records, _): "!\(access).isNull"
        case (_, .null): "\(access) != nil"
        case (.structure, _): isOptional ? "\(access)?.isDefault != true" : "!\(access).isDefault"
        case (.string, _), (.bytes, _), (.array, _):
            isOptional ? "\(access)?.isEmpty != true" : "!\(access).isEmpty"
        case (.bool, .literal): "!\(access)"
        case (.bool, _): access
        default: "\(access) != \(swiftDefault)"
        }
    }

    /// The opposite of `differsFromDefault`.
    var equalsDefault: String {
        switch (type, defaultValue) {
        case (.records, _): "\(access).isNull"
        case (_, .null): "\(access) == nil"
        case (.structure, _): isOptional ? "\(access)?.isDefault == true" : "\(access).isDefault"
        case (.string, _), (.bytes, _), (.array, _):
            isOptional ? "\(access)?.isEmpty == true" : "\(access).isEmpty"
        case (.bool, .literal): access
        case (.bool, _): "!\(access)"
        default: "\(access) == \(swiftDefault)"
        }
    }
}

extension VersionRange {
    /// The condition on `version` that tells this range inside `outer`; nil where it is always met.
    func condition(in outer: VersionRange) -> String? {
        switch (lower > outer.lower, upper < outer.upper) {
        case (false, false): nil
        case (true, false): "version >= \(lower)"
        case (false, true): "version <= \(upper)"
        case (true, true): lower == upper ? "version == \(lower)" : "version >= \(lower) && version <= \(upper)"
        }
    }
}
