// SPDX-License-Identifier: Apache-2.0

/// Writes `init(from:version:)` of one structure.
///
/// The generated code keeps the name of the field at hand in a local of static strings: it costs nothing while
/// decoding succeeds, since it only exists on the paths that fail.
struct DecodeEmitter {
    let context: StructureContext
    let isRoot: Bool

    func emit(into source: inout SourceText) {
        let access = isRoot ? "public " : ""
        source.block("\(access)init(from reader: inout ByteReader, version: Int16) throws(WireError)") { source in
            if isRoot { source.line("try Self.checkVersion(version)") }
            if context.fields.isEmpty, !context.hasFlexibleVersions { return }
            if context.flexibleExpression == "flexible", let first = context.message.firstFlexible {
                source.line("let flexible = version >= \(first)")
            }
            source.line("var field: StaticString = \"\"")
            source.block("do throws(WireError)", closing: "} catch {") { source in
                for run in context.untaggedRuns { emit(run, into: &source) }
                emitTags(into: &source)
            }
            source.nested { source in source.line("throw error.inside(field)") }
            source.line("}")
        }
    }

    private func emit(_ run: StructureContext.Run, into source: inout SourceText) {
        let statements: (inout SourceText) -> Void = { source in
            for field in run.fields {
                source.line("field = \"\(field.name)\"")
                source.line("\(field.access) = \(expression(field, reader: "reader"))")
            }
        }
        if let condition = run.condition {
            source.block("if \(condition)", statements)
        } else {
            statements(&source)
        }
    }

    private func expression(_ field: Field, reader: String) -> String {
        let flexible = "flexible: \(context.flexible(field))"
        if field.type.isFixedSize { return "try \(reader).read\(field.type.methodName)()" }
        if case .structure(let name) = field.type {
            guard field.isOptional else { return "try \(name)(from: &\(reader), version: version)" }
            let method = field.tag == nil ? "readNullableStructure" : "readTaggedNullableStructure"
            return "try \(reader).\(method)(version: version\(nullability(field)))"
        }
        var arguments = flexible
        if case .array(.structure) = field.type { arguments = "version: version, " + flexible }
        let nullable = field.nullable == nil ? "" : "Nullable"
        return "try \(reader).read\(nullable)\(field.type.methodName)(\(arguments)\(nullability(field)))"
    }

    /// The argument that tells whether null is allowed, where that depends on the version.
    private func nullability(_ field: Field) -> String {
        guard let nullable = field.nullable, let condition = nullable.condition(in: field.versions) else { return "" }
        return ", nullable: \(condition)"
    }

    private func emitTags(into source: inout SourceText) {
        guard context.hasFlexibleVersions else { return }
        let body: (inout SourceText) -> Void = { source in
            source.line("field = \"\"")
            let tagged = context.taggedFields
            if tagged.isEmpty {
                source.line("unknownTaggedFields = try reader.readUnknownTaggedFields()")
                return
            }
            source.line("var tags = try TaggedFieldReader(&reader)")
            source.block("while var body = try tags.next(&reader)") { source in
                source.line("switch tags.tag {")
                for field in tagged { emitTag(field, into: &source) }
                source.line("default: unknownTaggedFields.append(tags.unknown(body))")
                source.line("}")
                source.line("field = \"\"")
            }
        }
        if context.flexibleExpression == "true" {
            body(&source)
        } else {
            source.block("if flexible", body)
        }
    }

    private func emitTag(_ field: Field, into source: inout SourceText) {
        let flexibleVersions = VersionRange(
            lower: max(context.message.firstFlexible ?? 0, context.structure.versions.lower),
            upper: context.structure.versions.upper)
        let condition = field.versions.condition(in: flexibleVersions).map { " where \($0)" } ?? ""
        source.line("case \(field.tag ?? 0)\(condition):")
        source.nested { source in
            source.line("field = \"\(field.name)\"")
            source.line("\(field.access) = \(expression(field, reader: "body"))")
            source.line("try body.expectEnd()")
        }
    }
}
