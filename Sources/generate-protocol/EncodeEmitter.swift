// SPDX-License-Identifier: Apache-2.0

/// Writes `encode(into:version:)` of one structure.
struct EncodeEmitter {
    let context: StructureContext
    let isRoot: Bool

    func emit(into source: inout SourceText) {
        let access = isRoot ? "public " : ""
        let heading = "\(access)func encode(into writer: inout ByteWriter, version: Int16) throws(WireError)"
        source.block(heading) { source in
            if isRoot { source.line("try Self.checkVersion(version)") }
            if usesFlexible, let first = context.message.firstFlexible {
                source.line("let flexible = version >= \(first)")
            }
            guard namesFields else { return emitBody(into: &source) }
            source.line("var field: StaticString = \"\"")
            source.block("do throws(WireError)", closing: "} catch {") { source in emitBody(into: &source) }
            source.nested { source in source.line("throw error.inside(field)") }
            source.line("}")
        }
    }

    private var usesFlexible: Bool { context.flexibleExpression == "flexible" }

    /// Whether the writing of any field can fail, so that the error needs the field's name.
    private var namesFields: Bool {
        context.fields.contains { field in
            field.tag != nil || !field.type.isFixedSize || (context.presence(field) != nil && !field.isIgnorable)
        }
    }

    private func emitBody(into source: inout SourceText) {
        for run in context.untaggedRuns { emit(run, into: &source) }
        emitTags(into: &source)
    }

    private func emit(_ run: StructureContext.Run, into source: inout SourceText) {
        let statements: (inout SourceText) -> Void = { source in
            for field in run.fields {
                if !field.type.isFixedSize { source.line("field = \"\(field.name)\"") }
                source.line(statement(field))
            }
        }
        guard let condition = run.condition else { return statements(&source) }
        source.line("if \(condition) {")
        source.nested(statements)
        let required = run.fields.filter { !$0.isIgnorable }
        if required.count == 1 {
            source.line("} else if \(required[0].differsFromDefault) {")
            source.nested { source in emitRefusal(required[0], into: &source) }
        } else if !required.isEmpty {
            source.line("} else {")
            source.nested { source in
                for field in required {
                    source.block("if \(field.differsFromDefault)") { source in emitRefusal(field, into: &source) }
                }
            }
        }
        source.line("}")
    }

    private func emitRefusal(_ field: Field, into source: inout SourceText) {
        source.line("field = \"\(field.name)\"")
        source.line("throw WireError(.fieldNotInVersion(version))")
    }

    private func statement(_ field: Field) -> String {
        let value = field.access
        if field.type.isFixedSize { return "writer.write\(field.type.methodName)(\(value))" }
        if case .structure = field.type {
            guard field.isOptional else { return "try \(value).encode(into: &writer, version: version)" }
            let method = field.tag == nil ? "writeNullableStructure" : "writeTaggedNullableStructure"
            return "try writer.\(method)(\(value), version: version\(nullability(field)))"
        }
        var arguments = "\(value), flexible: \(context.flexible(field))"
        if case .array(.structure) = field.type {
            arguments = "\(value), version: version, flexible: \(context.flexible(field))"
        }
        let nullable = field.nullable == nil ? "" : "Nullable"
        return "try writer.write\(nullable)\(field.type.methodName)(\(arguments)\(nullability(field)))"
    }

    private func nullability(_ field: Field) -> String {
        guard let nullable = field.nullable, let condition = nullable.condition(in: field.versions) else { return "" }
        return ", nullable: \(condition)"
    }

    // MARK: Tagged fields

    private func emitTags(into source: inout SourceText) {
        guard context.hasFlexibleVersions else { return }
        let tagged = context.taggedFields
        for field in tagged where !field.isIgnorable {
            guard let condition = absence(field) else { continue }
            source.block("if \(condition), \(field.differsFromDefault)") { source in emitRefusal(field, into: &source) }
        }
        if namesFields { source.line("field = \"\"") }
        if tagged.isEmpty {
            var arguments = "unknownTaggedFields"
            if context.flexibleExpression == "flexible" { arguments += ", flexible: flexible, version: version" }
            source.line("try writer.writeUnknownTaggedFields(\(arguments))")
        } else if context.flexibleExpression == "true" {
            emitTagSection(tagged, into: &source)
        } else {
            source.line("if flexible {")
            source.nested { source in emitTagSection(tagged, into: &source) }
            source.line("} else if !unknownTaggedFields.isEmpty {")
            source.nested { source in source.line("throw WireError(.fieldNotInVersion(version))") }
            source.line("}")
        }
    }

    /// The condition under which a version does not carry a tagged field.
    private func absence(_ field: Field) -> String? {
        field.versions.lower > context.structure.versions.lower ? "version < \(field.versions.lower)" : nil
    }

    private func emitTagSection(_ tagged: [Field], into source: inout SourceText) {
        let flexibleVersions = VersionRange(
            lower: max(context.message.firstFlexible ?? 0, context.structure.versions.lower),
            upper: context.structure.versions.upper)
        source.line("var tags = TaggedFieldWriter(unknownTaggedFields)")
        for field in tagged {
            let terms = [field.versions.condition(in: flexibleVersions), field.differsFromDefault].compactMap { $0 }
            source.line("let \(flag(field)) = \(terms.joined(separator: " && "))")
            source.line("if \(flag(field)) { tags.knownCount += 1 }")
        }
        source.line("tags.begin(&writer)")
        for field in tagged {
            source.block("if \(flag(field))") { source in
                source.line("field = \"\(field.name)\"")
                source.line("try tags.open(\(field.tag ?? 0), &writer)")
                source.line(statement(field))
                source.line("tags.close(&writer)")
            }
        }
        source.line("field = \"\"")
        source.line("try tags.end(&writer)")
    }

    private func flag(_ field: Field) -> String {
        "has\(field.swiftName.prefix(1).uppercased())\(field.swiftName.dropFirst())"
    }
}
