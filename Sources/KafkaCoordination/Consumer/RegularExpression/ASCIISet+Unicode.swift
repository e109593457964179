// SPDX-License-Identifier: Apache-2.0

extension ASCIISet {
    /// What `\p{name}` means among ASCII characters: Unicode's general categories, and scripts.
    ///
    /// - Returns: nil for a name that is neither. A script without ASCII characters is an empty set.
    static func unicode(_ name: String) -> ASCIISet? {
        generalCategory(name) ?? script(name)
    }

    private static func generalCategory(_ name: String) -> ASCIISet? {
        switch name {
        case "Any": .all
        case "L": ASCIISet("A-Za-z")
        case "Lu": ASCIISet("A-Z")
        case "Ll": ASCIISet("a-z")
        case "N", "Nd": .digits
        case "P": ASCIISet("!-#%-*,-/:-;?-@[-]_{}")
        case "Pc": ASCIISet("_")
        case "Pd": ASCIISet("-")
        case "Ps": ASCIISet("([{")
        case "Pe": ASCIISet(")]}")
        case "Po": ASCIISet("!-#%-'*,./:;?@\\")
        case "S": ASCIISet("$+<->^`|~")
        case "Sc": ASCIISet("$")
        case "Sk": ASCIISet("^`")
        case "Sm": ASCIISet("+<->|~")
        case "Z", "Zs": ASCIISet(" ")
        case "C", "Cc": ASCIISet("\u{00}-\u{1F}\u{7F}")
        case "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "Nl", "No", "Pi", "Pf", "So", "Zl", "Zp", "Cf", "Co", "Cs":
            .empty
        default: nil
        }
    }

    private static func script(_ name: String) -> ASCIISet? {
        switch name {
        case "Latin": ASCIISet("A-Za-z")
        case "Common": ASCIISet("A-Za-z").inverted
        default: otherScripts.contains(name) ? .empty : nil
        }
    }

    /// Scripts without any ASCII character, as Unicode names them.
    private static let otherScripts: Set<String> = Set(
        """
        Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bopomofo Brahmi Braille Buginese Buhid \
        Canadian_Aboriginal Carian Chakma Cham Cherokee Chorasmian Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari \
        Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati \
        Gunjala_Gondi Gurmukhi Han Hangul Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited \
        Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Khojki \
        Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean \
        Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi \
        Mongolian Mro Multani Myanmar Nabataean Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham \
        Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian \
        Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang \
        Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese \
        Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai Tibetan \
        Tifinagh Tirhuta Ugaritic Vai Wancho Warang_Citi Yi Zanabazar_Square
        """.split(separator: " ").map(String.init))
}
