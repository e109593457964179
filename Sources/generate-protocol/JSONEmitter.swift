// SPDX-License-Identifier: Apache-2.0

/// Writes `writeJSON(into:version:)` of one structure, in the shape of Kafka's own JSON converter.
struct JSONEmitter {
    let context: StructureContext

    func emit(into source: inout SourceText) {
        source.block("public func writeJSON(into json: inout String, version: Int16)") { source in
            source.line("json.beginJSONObject()")
            for field in context.fields { emit(field, into: &source) }
            source.line("json.endJSONObject()")
        }
    }

    private func emit(_ field: Field, into source: inout SourceText) {
        let name = Naming.json(field.name)
        var arguments = "\"\(name)\", \(field.access)"
        if field.type.structureName != nil { arguments += ", version: version" }
        let statement = "json.appendJSON(\(arguments))"
        var conditions = [context.presence(field)]
        if field.tag != nil { conditions.append(field.differsFromDefault) }
        let condition = conditions.compactMap { $0 }.joined(separator: " && ")
        if condition.isEmpty {
            source.line(statement)
        } else {
            source.block("if \(condition)") { source in source.line(statement) }
        }
    }
}
