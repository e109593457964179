// SPDX-License-Identifier: Apache-2.0

extension InMemoryFileSystem.NameChange.Edit {
    typealias Names = ReferenceWritableKeyPath<InMemoryFileSystemNode, [String: InMemoryFileSystemNode]>

    func apply(to names: Names) { directory[keyPath: names][name] = node }
}

extension InMemoryFileSystemNode {
    /// Pages held by the files in and under this node.
    var subtreePages: Int { entries.values.reduce(allocatedPages) { $0 + $1.subtreePages } }
}

extension InMemoryFileSystem.State {
    static func components(_ path: String) -> [String] {
        var result: [String] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = result.popLast() } else { result.append(String(part)) }
        }
        return result
    }

    func find(_ path: String) -> InMemoryFileSystemNode? {
        var node = root
        for name in Self.components(path) {
            guard node.isDirectory, let next = node.entries[name] else { return nil }
            node = next
        }
        return node
    }

    func directory(
        _ path: String, _ operation: InMemoryFileSystem.Operation
    ) throws(FileError) -> InMemoryFileSystemNode {
        guard let node = find(path) else {
            throw FileError(.notFound, code: 2, operation: "\(operation)", path: path)
        }
        guard node.isDirectory else {
            throw FileError(.notADirectory, code: 20, operation: "\(operation)", path: path)
        }
        return node
    }

    /// The directory that `path` stands in, and its name there.
    func place(
        _ path: String, _ operation: InMemoryFileSystem.Operation
    ) throws(FileError) -> (directory: InMemoryFileSystemNode, name: String) {
        var components = Self.components(path)
        guard let name = components.popLast() else {
            throw FileError(.permissionDenied, code: 16, operation: "\(operation)", path: path)
        }
        return (try directory(components.joined(separator: "/"), operation), name)
    }

    /// Makes the names in `directory` what a crash leaves.
    mutating func makeNamesDurable(_ directory: InMemoryFileSystemNode) {
        directory.durableEntries = directory.entries
        for index in journal.indices { journal[index].edits.removeAll { $0.directory === directory } }
        journal.removeAll { $0.edits.isEmpty }
    }
}
