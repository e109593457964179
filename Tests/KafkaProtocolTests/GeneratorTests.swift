// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import generate_protocol

@Suite struct GeneratorTests {
    @Test func `the checked-in files are what the generator writes`() throws {
        let sources = Package.folder.appendingPathComponent("Sources/KafkaProtocol")
        let generator = try Generator(schemaFolder: sources.appendingPathComponent("Schema"))
        #expect(try generator.differences(in: sources.appendingPathComponent("Generated")) == [])
    }

    static let mistakes: [(text: String, message: String)] = [
        ("", "t:1: expected a heading, found the end of the file"),
        ("nonsense X", "t:1: unknown kind of file 'nonsense'"),
        ("  data X versions 0", "t:1: expected a heading without indentation"),
        ("data X versions 0+", "t:1: '0+' is not a closed range of versions"),
        ("data X versions 3-1", "t:1: '3-1' is not a closed range of versions"),
        ("data X versions 0 flexible 1", "t:1: '1' is not an open range of versions"),
        ("data X versions 0 flexible 1+", "t:1: no version is flexible from 1"),
        ("data X versions 0 more", "t:1: unexpected 'more'"),
        ("data X versions 0\n A int8", "t:2: indentation is two spaces a level"),
        ("data X versions 0\n\tA int8", "t:2: tabs are not allowed"),
        ("data X versions 0\n  A", "t:2: expected a type"),
        ("data X versions 0\n  A-B int8", "t:2: 'A-B' is not a field name"),
        ("data X versions 0\n  A int9", "t:2: unknown type 'int9'"),
        ("data X versions 0\n  A [][]int8", "t:2: an array cannot hold arrays"),
        ("data X versions 0\n  A int8 1x", "t:2: '1x' are not versions"),
        ("data X versions 0\n  A string?x", "t:2: 'x' are not versions"),
        ("data X versions 0\n  A int8 loud", "t:2: unknown attribute 'loud'"),
        ("data X versions 0\n  A int8?", "t:2: this type cannot be null"),
        ("data X versions 0\n  A int8 = 200", "t:2: '200' cannot be the default of this type"),
        ("data X versions 0\n  A int8 =", "t:2: expected a default"),
        ("data X versions 0\n  A string = null", "t:2: null can be the default only where every version is nullable"),
        ("data X versions 0\n  A int8 tag 0", "t:2: a tagged field needs flexible versions"),
        ("data X versions 0 flexible 0+\n  A int8 tag x", "t:2: 'x' is not a tag number"),
        ("data X versions 0 flexible 0+\n  A int8 tag 0\n  B int8 tag 0", "t:3: tag 0 is used twice"),
        ("data X versions 0-2 flexible 0+\n  A int8 0-1 tag 0", "t:2: the versions of a tagged field must not end"),
        (
            "data X versions 0-2 flexible 0+\n  A string?1+ tag 0",
            "t:2: a tagged field is nullable in all of its versions or in none"
        ),
        ("data X versions 0 flexible 0+\n  A records tag 0", "t:2: records cannot be tagged"),
        ("data X versions 0\n  A int8\n  A int8", "t:3: field 'A' is declared twice"),
        ("data X versions 0\n  A int8\n    B int8", "t:3: only a structure can hold fields"),
        ("data X versions 0\n  A int8\n      B int8", "t:3: only a structure can hold fields"),
        ("data X versions 0\n    A int8", "t:2: this line is indented too far"),
        ("data X versions 0\n  A Thing", "t:2: structure 'Thing' is not declared"),
        ("data X versions 0\n  A []T\n    B int8\n  C T\n    D int8", "t:4: structure 'T' is declared twice"),
        ("data X versions 0\n  struct T\n    B []T\n  A T", "t:3: structure 'T' holds itself"),
        ("data X versions 0\n  struct T 5+\n    B int8\n  A T", "t:2: '5+' are not versions of this message"),
        ("data X versions 0\n  A bytes classic", "t:2: only a string can stay classic"),
        ("data X versions 0\n  A string zerocopy", "t:2: only bytes can be zerocopy"),
        ("data X versions 0\n  A []records", "t:2: records cannot stand in an array"),
        ("api X key 1 versions 0 listeners broker\nrequest", "t:2: expected 'response', found the end of the file"),
        ("api X key 1 versions 0 listeners broker\nanswer", "t:2: expected 'request'"),
        ("api X key 1 versions 0 listeners moon", "t:1: unknown listener 'moon'"),
        ("api X key -1 versions 0 listeners broker", "t:1: '-1' is not a key"),
        ("coordinator moon X key 1", "t:1: unknown coordinator 'moon'"),
        ("data X versions 0\ndata Y versions 0", "t:2: nothing may follow here"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is reported with its line`(text: String, message: String) {
        let error = #expect(throws: SchemaError.self) { try SchemaParser.parse(text, path: "t") }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        ("TransactionalId", "transactionalID"), ("TopicIds", "topicIDs"), ("KRaftVersion", "kRaftVersion"),
        ("Id", "id"), ("ProducerIdCount", "producerIDCount"), ("Identity", "identity"),
        ("groupInstanceId", "groupInstanceID"),
        ("V3AndBelowTopics", "v3AndBelowTopics"), ("InitProducerId", "initProducerID"),
    ])
    func `names follow Swift's rules`(name: String, property: String) {
        #expect(Naming.property(name) == property)
    }

    @Test(arguments: [
        ("3", VersionRange(lower: 3, upper: 3)), ("3-7", VersionRange(lower: 3, upper: 7)),
        ("3+", VersionRange(lower: 3, upper: .max)), ("", nil), ("+", nil), ("-3", nil), ("7-3", nil), ("1-2-3", nil),
        ("99999", nil), ("x", nil),
    ])
    func `version ranges are read strictly`(text: String, range: VersionRange?) {
        #expect(VersionRange(text) == range)
    }

    @Test func `the facts of the tables are those of the schemas`() throws {
        let apis = APIKeyEmitter(SchemaOracle.files).apis
        #expect(apis.count == 91)
        #expect(apis.map(\.key) == Array(0...3) + Array(8...94))
        #expect(apis.filter { $0.firstUnstable != nil }.map(\.name) == ["InitProducerId"])
    }
}
