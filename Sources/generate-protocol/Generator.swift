// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Reads the schema folder and makes the text of every generated file.
struct Generator {
    /// Paths inside the output folder, with contents.
    private(set) var outputs: [String: String] = [:]
    private(set) var files: [SchemaFile] = []

    init(schemaFolder: URL) throws {
        let paths = try Self.relativePaths(in: schemaFolder, suffix: ".schema")
        for path in paths {
            let text = try String(contentsOf: schemaFolder.appendingPathComponent(path), encoding: .utf8)
            files.append(try SchemaParser.parse(text, path: path))
        }
        try refuseDuplicates()
        for file in files { outputs[Self.outputPath(for: file)] = Self.emit(file) }
        let tables = RecordTypeEmitter(files: files)
        outputs["APIKey.swift"] = APIKeyEmitter(files).emit()
        outputs["AllMessages.swift"] = tables.emitAllMessages()
        outputs["Metadata/MetadataRecord.swift"] = tables.emitMetadataRecord()
        outputs["Metadata/MetadataRecordType.swift"] = tables.emitMetadataRecordType()
        for name in ["group", "share", "transaction"] {
            let type = RecordTypeEmitter.coordinatorTypeName(name)
            outputs["Coordinator/\(type).swift"] = tables.emitCoordinator(name)
        }
    }

    /// Files below `folder` whose names end in `suffix`, sorted.
    static func relativePaths(in folder: URL, suffix: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(suffix) }.sorted()
    }

    private static func outputPath(for file: SchemaFile) -> String {
        let base = String(file.path.dropLast(".schema".count))
        // Swift wants file names to differ in all of a module, and an API may be named like a coordinator's record.
        if case .coordinator = file.kind { return "\(base)KeyValue.swift" }
        return "\(base).swift"
    }

    private static func emit(_ file: SchemaFile) -> String {
        var source = SourceText(generatedFrom: "Schema/\(file.path)")
        for (index, message) in file.messages.enumerated() {
            if index > 0 { source.line() }
            MessageEmitter(file: file, message: message).emit(into: &source)
        }
        return source.text
    }

    private func refuseDuplicates() throws(SchemaError) {
        var names: [String: String] = [:]
        var keys: [String: String] = [:]
        for file in files {
            let location = SourceLocation(file: file.path, line: 1)
            for message in file.messages {
                if let other = names.updateValue(file.path, forKey: message.name) {
                    throw SchemaError(location: location, message: "'\(message.name)' is also declared in \(other)")
                }
            }
            let key: String? =
                switch file.kind {
                case .api(let key, _, _): "API key \(key)"
                case .metadata(let type): "metadata record type \(type)"
                case .coordinator(let name, let type): "\(name) coordinator record type \(type)"
                case .header, .data: nil
                }
            if let key, let other = keys.updateValue(file.path, forKey: key) {
                throw SchemaError(location: location, message: "\(key) is also that of \(other)")
            }
        }
    }

    /// What differs between the output folder and the generated text, one line each.
    func differences(in folder: URL) throws -> [String] {
        var found: [String] = []
        for (path, text) in outputs.sorted(by: { $0.key < $1.key }) {
            let current = try? String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
            if current == nil {
                found.append("\(path) is missing")
            } else if current != text {
                found.append("\(path) differs")
            }
        }
        for path in try Self.relativePaths(in: folder, suffix: ".swift") where outputs[path] == nil {
            found.append("\(path) has no schema")
        }
        return found
    }

    /// Writes what differs and removes what has no schema.
    func write(to folder: URL) throws {
        let manager = FileManager.default
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        for path in try Self.relativePaths(in: folder, suffix: ".swift") where outputs[path] == nil {
            try manager.removeItem(at: folder.appendingPathComponent(path))
        }
        for (path, text) in outputs {
            let file = folder.appendingPathComponent(path)
            if (try? String(contentsOf: file, encoding: .utf8)) == text { continue }
            try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
    }
}
