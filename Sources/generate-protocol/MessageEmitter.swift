// SPDX-License-Identifier: Apache-2.0

/// Writes the Swift types of one message.
struct MessageEmitter {
    let file: SchemaFile
    let message: Message

    private var writesJSON: Bool {
        switch message.role {
        case .request, .response, .header: false
        case .data, .metadata, .coordinatorKey, .coordinatorValue: true
        }
    }

    func emit(into source: inout SourceText) {
        emitType(of: message.root, conformance: conformance, isRoot: true, into: &source)
        for structure in message.structures {
            source.line()
            source.block("extension \(message.name)") { source in
                let json = writesJSON ? ", JSONWritable" : ""
                emitType(of: structure, conformance: "WireStructure" + json, isRoot: false, into: &source)
            }
        }
    }

    private var conformance: String {
        switch message.role {
        case .request: "RequestMessage"
        case .response: "ResponseMessage"
        case .header: "WireMessage"
        case .metadata: "MetadataMessage"
        case .coordinatorKey: "CoordinatorKey"
        case .coordinatorValue: "CoordinatorValue"
        case .data: "WireMessage, JSONWritable"
        }
    }

    private var summary: String {
        var text =
            switch (file.kind, message.role) {
            case (.api(let key, _, _), .request): "The request of \(file.name) (API key \(key))"
            case (.api(let key, _, _), _): "The response of \(file.name) (API key \(key))"
            case (.metadata(let type), _): "Metadata record \(type)"
            case (.coordinator(let name, let type), .coordinatorKey): "Key \(type) of the \(name) coordinator's topic"
            case (.coordinator(let name, let type), _): "Value \(type) of the \(name) coordinator's topic"
            case (.header, _): "A header"
            case (.data, _): "A structure stored in records or files"
            }
        text += message.versions.lower == message.versions.upper ? ", version " : ", versions "
        text += "\(message.versions)"
        if let first = message.firstFlexible { text += ", flexible from \(first)" }
        return text + "."
    }

    // MARK: Types

    private func emitType(
        of structure: Structure, conformance: String, isRoot: Bool, into source: inout SourceText
    ) {
        let context = StructureContext(message: message, structure: structure)
        if isRoot {
            source.line("/// \(summary)")
        } else if structure.versions != message.versions {
            source.line("/// Versions \(structure.versions).")
        }
        source.block("public struct \(structure.name): \(conformance)") { source in
            if isRoot {
                emitFacts(into: &source)
            } else {
                source.line("static var minimumSize: Int { \(context.minimumSize) }")
            }
            source.line()
            emitProperties(context, into: &source)
            emitInitializers(context, into: &source)
            DecodeEmitter(context: context, isRoot: isRoot).emit(into: &source)
            source.line()
            EncodeEmitter(context: context, isRoot: isRoot).emit(into: &source)
            ResponseFactsEmitter(message: message).emit(context, isRoot: isRoot, into: &source)
            if writesJSON {
                source.line()
                JSONEmitter(context: context).emit(into: &source)
            }
            if context.needsIsDefault {
                source.line()
                emitIsDefault(context, into: &source)
            }
        }
    }

    private func emitFacts(into source: inout SourceText) {
        if case .api = file.kind {
            if message.role == .request { source.line("public typealias Response = \(file.name)Response") }
            source.line("public static var apiKey: APIKey { .\(Naming.property(file.name)) }")
        }
        if case .metadata = file.kind {
            source.line("public static var recordType: MetadataRecordType { .\(Naming.recordCase(file.name)) }")
        }
        if case .coordinator(let coordinator, _) = file.kind {
            let table = RecordTypeEmitter.coordinatorTypeName(coordinator)
            source.line("public static var recordType: \(table) { .\(Naming.recordCase(file.name)) }")
        }
        let versions = message.versions
        source.line("public static var versions: ClosedRange<Int16> { \(versions.lower)...\(versions.upper) }")
        let first = message.firstFlexible.map { "\($0)" } ?? "nil"
        source.line("public static var firstFlexibleVersion: Int16? { \(first) }")
    }

    private func emitProperties(_ context: StructureContext, into source: inout SourceText) {
        for field in context.fields {
            if let text = documentation(of: field, in: context) { source.line("/// \(text)") }
            source.line("public var \(Naming.quoted(field.swiftName)): \(field.swiftType) = \(field.swiftDefault)")
        }
        if context.hasFlexibleVersions {
            source.line("public var unknownTaggedFields: [TaggedField] = []")
        }
        source.line()
    }

    private func documentation(of field: Field, in context: StructureContext) -> String? {
        var sentences: [String] = []
        if context.presence(field) != nil {
            let isOne = field.versions.lower == field.versions.upper
            let shown =
                field.versions.upper >= context.structure.versions.upper
                ? "\(field.versions.lower)+" : "\(field.versions)"
            sentences.append("\(isOne ? "Version" : "Versions") \(shown).")
        }
        if let nullable = field.nullable, nullable.condition(in: field.versions) != nil {
            sentences.append("Null from version \(nullable.lower).")
        }
        if let tag = field.tag { sentences.append("Tag \(tag).") }
        if !field.comment.isEmpty {
            sentences.append(field.comment.prefix(1).uppercased() + field.comment.dropFirst() + ".")
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }

    private func emitInitializers(_ context: StructureContext, into source: inout SourceText) {
        source.line("public init() {}")
        source.line()
        let fields = context.fields
        if fields.isEmpty { return }
        source.line("public init(")
        source.nested { source in
            for (index, field) in fields.enumerated() {
                let comma = index + 1 < fields.count ? "," : ""
                // Only words that Swift reserves even as parameter names need quotes.
                let name = field.swiftName == "protocol" ? "`protocol`" : field.swiftName
                source.line("\(name): \(field.swiftType) = \(field.swiftDefault)\(comma)")
            }
        }
        source.block(")") { source in
            for field in fields {
                source.line("self.\(field.swiftName) = \(Naming.quoted(field.swiftName))")
            }
        }
        source.line()
    }

    private func emitIsDefault(_ context: StructureContext, into source: inout SourceText) {
        source.block("var isDefault: Bool") { source in
            var terms = context.fields.map(\.equalsDefault)
            if context.hasFlexibleVersions { terms.append("unknownTaggedFields.isEmpty") }
            source.line(terms[0])
            source.nested { source in
                for term in terms.dropFirst() { source.line("&& \(term)") }
            }
        }
    }
}
