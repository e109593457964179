// SPDX-License-Identifier: Apache-2.0

/// Writes the tables of record types: `MetadataRecordType`, `MetadataRecord` and one enum per coordinator.
struct RecordTypeEmitter {
    private struct Record {
        let name: String
        let type: Int16
        var caseName: String { Naming.recordCase(name) }
    }

    let files: [SchemaFile]

    // MARK: Metadata

    private var metadata: [Record] {
        files.compactMap { file -> Record? in
            guard case .metadata(let type) = file.kind else { return nil }
            return Record(name: file.name, type: type)
        }.sorted { $0.type < $1.type }
    }

    func emitMetadataRecordType() -> String {
        var source = SourceText(generatedFrom: "Schema/Metadata", imports: [])
        source.line("/// The type of a record of the log `__cluster_metadata`.")
        source.block("public enum MetadataRecordType: Int16, CaseIterable, Sendable") { source in
            for record in metadata { source.line("case \(record.caseName) = \(record.type)") }
        }
        source.line()
        source.block("extension MetadataRecordType") { source in
            source.line("/// Kafka's name in its tools, for example `TOPIC_RECORD`.")
            source.block("public var name: String") { source in
                source.line("switch self {")
                for record in metadata {
                    source.line("case .\(record.caseName): \"\(Naming.upperSnake(record.name))\"")
                }
                source.line("}")
            }
        }
        return source.text
    }

    func emitMetadataRecord() -> String {
        var source = SourceText(generatedFrom: "Schema/Metadata")
        source.line("/// Any record of the log `__cluster_metadata`.")
        source.block("public enum MetadataRecord: Sendable") { source in
            for record in metadata { source.line("case \(record.caseName)(\(record.name))") }
        }
        source.line()
        source.block("extension MetadataRecord") { source in
            source.block("public var type: MetadataRecordType") { source in
                source.line("switch self {")
                for record in metadata { source.line("case .\(record.caseName): .\(record.caseName)") }
                source.line("}")
            }
            source.line()
            source.line("/// The record inside.")
            source.block("public var message: any MetadataMessage") { source in
                source.line("switch self {")
                for record in metadata { source.line("case .\(record.caseName)(let record): record") }
                source.line("}")
            }
            source.line()
            source.line("/// Reads the body of a record of a known type, without the frame around it.")
            source.line("public init(")
            source.nested { source in
                source.line("from reader: inout ByteReader, type: MetadataRecordType, version: Int16")
            }
            source.block(") throws(WireError)") { source in
                source.line("switch type {")
                for record in metadata {
                    source.line("case .\(record.caseName):")
                    source.nested { source in
                        source.line("self = .\(record.caseName)(try \(record.name)(from: &reader, version: version))")
                    }
                }
                source.line("}")
            }
        }
        return source.text
    }

    // MARK: Coordinators

    static func coordinatorTypeName(_ coordinator: String) -> String {
        "\(coordinator.prefix(1).uppercased())\(coordinator.dropFirst())CoordinatorRecordType"
    }

    func emitCoordinator(_ coordinator: String) -> String {
        let records = files.compactMap { file -> Record? in
            guard case .coordinator(coordinator, let type) = file.kind else { return nil }
            return Record(name: file.name, type: type)
        }.sorted { $0.type < $1.type }
        var source = SourceText(generatedFrom: "Schema/Coordinator", imports: [])
        source.line(
            "/// The types of records in the \(coordinator) coordinator's topic: what a record's key begins with.")
        let name = Self.coordinatorTypeName(coordinator)
        source.block("public enum \(name): Int16, CaseIterable, CoordinatorRecordType") { source in
            for record in records { source.line("case \(record.caseName) = \(record.type)") }
            source.line()
            for part in ["Key", "Value"] {
                source.block("public var \(part.lowercased())Type: any Coordinator\(part).Type") { source in
                    source.line("switch self {")
                    for record in records { source.line("case .\(record.caseName): \(record.name)\(part).self") }
                    source.line("}")
                }
                if part == "Key" { source.line() }
            }
        }
        return source.text
    }

    // MARK: All messages

    func emitAllMessages() -> String {
        var source = SourceText(generatedFrom: "Schema", imports: [])
        source.line("/// Every message of the package, for tools and tests that go through all of them.")
        source.block("package enum AllMessages") { source in
            source.block("package static var types: [any WireMessage.Type]", closing: "}") { source in
                source.line("[")
                source.nested { source in
                    for file in files {
                        for message in file.messages { source.line("\(message.name).self,") }
                    }
                }
                source.line("]")
            }
        }
        return source.text
    }
}
