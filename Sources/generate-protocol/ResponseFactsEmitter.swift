// SPDX-License-Identifier: Apache-2.0

/// Writes what a server wants to know of, or put into, every response: its error codes and its throttle time.
struct ResponseFactsEmitter {
    let message: Message

    /// Empty for messages that are no responses, and for structures without an error code in them.
    func emit(_ context: StructureContext, isRoot: Bool, into source: inout SourceText) {
        guard message.role == .response, isRoot || holdsErrors(context.structure.name) else { return }
        source.line()
        source.block("\(isRoot ? "public " : "")func forEachErrorCode(_ body: (Int16) -> Void)") { source in
            for field in context.fields { emit(field, into: &source) }
        }
        guard isRoot, context.fields.contains(where: Self.isThrottleTime) else { return }
        source.line()
        source.block("public mutating func setThrottleTime(_ milliseconds: Int32)") { source in
            source.line("throttleTimeMs = milliseconds")
        }
    }

    private func emit(_ field: Field, into source: inout SourceText) {
        if Self.isErrorCode(field) { return source.line("body(\(field.access))") }
        guard let name = field.type.structureName, holdsErrors(name) else { return }
        switch field.type {
        case .structure: source.line("\(field.access)\(field.isOptional ? "?" : "").forEachErrorCode(body)")
        default:
            let elements = field.isOptional ? "\(field.access) ?? []" : field.access
            source.line("for element in \(elements) { element.forEachErrorCode(body) }")
        }
    }

    /// Whether a structure of the message, or one inside it, has an error code. Structures do not contain themselves.
    private func holdsErrors(_ name: String) -> Bool {
        guard let structure = message.structure(named: name) else { return false }
        return StructureContext(message: message, structure: structure).fields.contains { field in
            Self.isErrorCode(field) || field.type.structureName.map(holdsErrors) == true
        }
    }

    private static func isErrorCode(_ field: Field) -> Bool {
        field.type == .int16 && (field.swiftName == "errorCode" || field.swiftName.hasSuffix("ErrorCode"))
    }

    private static func isThrottleTime(_ field: Field) -> Bool {
        field.type == .int32 && field.swiftName == "throttleTimeMs"
    }
}
