// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The text files of this repository, as the tidy tests see them.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Folders that hold what is built, not what is written.
    private static let skippedFolders: Set<String> = [
        ".build", ".git", ".venv", ".swiftpm", "__pycache__", ".pytest_cache",
    ]

    /// Paths relative to the root, sorted, of every regular file that is not built.
    static let files: [String] = {
        let rootPath = root.path + "/"
        let walker = FileManager.default.enumerator(at: root, includingPropertiesForKeys: [.isRegularFileKey])
        var found: [String] = []
        while let file = walker?.nextObject() as? URL {
            if skippedFolders.contains(file.lastPathComponent) {
                walker?.skipDescendants()
            } else if (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true {
                found.append(String(file.path.dropFirst(rootPath.count)))
            }
        }
        return found.sorted()
    }()

    static func isGenerated(_ path: String) -> Bool { path.contains("/Generated/") }

    /// Every Swift file that people write.
    static let handWrittenSwift: [SwiftSource] =
        files
        .filter { $0.hasSuffix(".swift") && !isGenerated($0) }
        .compactMap { path in text(of: path).map { SwiftSource(path: path, text: $0) } }

    /// The hand-written Swift files of the targets.
    static let sources: [SwiftSource] = handWrittenSwift.filter { $0.target != nil }

    /// The names of the folders in Sources.
    static let targets: [String] = Set(
        files.filter { $0.hasPrefix("Sources/") }.compactMap {
            $0.split(separator: "/").dropFirst().first.map(String.init)
        }
    ).sorted()

    /// nil for a file that is not UTF-8 text.
    static func text(of path: String) -> String? {
        guard let bytes = try? Data(contentsOf: root.appendingPathComponent(path)), !bytes.contains(0) else {
            return nil
        }
        return String(data: bytes, encoding: .utf8)
    }
}
