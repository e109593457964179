// SPDX-License-Identifier: Apache-2.0

/// Writes `APIKey`: the table of all APIs.
struct APIKeyEmitter {
    struct API {
        let name: String
        let key: Int16
        let versions: VersionRange
        let firstFlexible: Int16?
        let firstUnstable: Int16?
        let listeners: [String]

        var caseName: String { Naming.property(name) }
    }

    let apis: [API]

    init(_ files: [SchemaFile]) {
        apis = files.compactMap { file in
            guard case .api(let key, let firstUnstable, let listeners) = file.kind else { return nil }
            return API(
                name: file.name, key: key, versions: file.messages[0].versions,
                firstFlexible: file.messages[0].firstFlexible, firstUnstable: firstUnstable, listeners: listeners)
        }.sorted { $0.key < $1.key }
    }

    func emit() -> String {
        var source = SourceText(generatedFrom: "Schema", imports: [])
        source.line("/// An API of the Kafka protocol; the raw value is what a request's header carries.")
        source.block("public enum APIKey: Int16, CaseIterable, Sendable") { source in
            for api in apis { source.line("case \(api.caseName) = \(api.key)") }
        }
        source.line()
        source.block("extension APIKey") { source in
            source.line("/// Kafka's name, for example `ListOffsets`.")
            emitSwitch("name: String", into: &source) { "\"\($0.name)\"" }
            source.line()
            source.line("/// The versions that this package encodes and decodes.")
            emitSwitch("versions: ClosedRange<Int16>", into: &source) { "\($0.versions.lower)...\($0.versions.upper)" }
            source.line()
            source.line("/// The first version with compact lengths and tagged fields; nil where there is none.")
            emitGrouped("firstFlexibleVersion: Int16?", into: &source) { $0.firstFlexible.map { "\($0)" } ?? "nil" }
            source.line()
            source.line("/// The first version whose form may still change; nil where all are final.")
            emitGrouped("firstUnstableVersion: Int16?", into: &source) { $0.firstUnstable.map { "\($0)" } ?? "nil" }
            source.line()
            source.line("/// The kinds of listener that answer the API.")
            emitGrouped("listeners: ListenerScope", into: &source) { api in
                "[\(api.listeners.sorted().map { "." + $0 }.joined(separator: ", "))]"
            }
            source.line()
            source.line("/// The type of the API's requests.")
            source.line("public var requestType: any RequestMessage.Type {")
            emitTypes("Request", into: &source)
            source.line("}")
            source.line()
            source.line("/// The type of the API's responses.")
            source.line("public var responseType: any ResponseMessage.Type {")
            emitTypes("Response", into: &source)
            source.line("}")
        }
        return source.text
    }

    private func emitTypes(_ suffix: String, into source: inout SourceText) {
        source.nested { source in
            source.line("switch self {")
            for api in apis { source.line("case .\(api.caseName): \(api.name)\(suffix).self") }
            source.line("}")
        }
    }

    private func emitSwitch(_ declaration: String, into source: inout SourceText, value: (API) -> String) {
        source.block("public var \(declaration)") { source in
            source.line("switch self {")
            for api in apis { source.line("case .\(api.caseName): \(value(api))") }
            source.line("}")
        }
    }

    /// A switch whose commonest value is the default.
    private func emitGrouped(_ declaration: String, into source: inout SourceText, value: (API) -> String) {
        var groups: [(value: String, cases: [String])] = []
        for api in apis {
            let text = value(api)
            if let index = groups.firstIndex(where: { $0.value == text }) {
                groups[index].cases.append("." + api.caseName)
            } else {
                groups.append((text, ["." + api.caseName]))
            }
        }
        source.block("public var \(declaration)") { source in
            source.line("switch self {")
            for group in groups {
                for (index, name) in group.cases.enumerated() {
                    let start = index == 0 ? "case " : "    "
                    let end = index + 1 < group.cases.count ? "," : ":"
                    source.line(start + name + end)
                }
                source.nested { source in source.line(group.value) }
            }
            source.line("}")
        }
    }
}
