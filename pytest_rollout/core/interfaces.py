"""Well-known interfaces by name, as EIP-165 identifies them."""

from __future__ import annotations

from collections.abc import Mapping

INTERFACES: Mapping[str, str] = {
    "ERC165": "0x01ffc9a7",
    "ERC721": "0x80ac58cd",
    "ERC721Metadata": "0x5b5e139f",
    "ERC721Enumerable": "0x780e9d63",
    "ERC1155": "0xd9b67a26",
    "ERC1155MetadataURI": "0x0e89341c",
    "ERC1363": "0xb0202a11",
    "ERC2981": "0x2a55205a",
    "ERC4906": "0x49064906",
    "AccessControl": "0x7965db0b",
    "AccessControlEnumerable": "0x5a05180f",
    "AccessControlDefaultAdminRules": "0x31498786",
}
