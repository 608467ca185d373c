"""What other systems call a catalogue's columns. The names are in small letters, without punctuation."""

# For each field its other names. Of several in one file the one that stands first here counts.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "sku": (
        "part number", "part no", "part #", "product sku", "variant sku", "sku code", "item number", "item no", "item #",
        "item code", "article number", "article no", "product code", "product number", "stock code", "catalog number",
        "catalogue number", "material number", "internal reference", "internal part number", "default code", "ipn",
        "reference", "reference #", "digi key part number", "digi key part #", "dk part #", "mouser part number", "mouser #",
        "lcsc part number", "rs stock no", "artikelnummer", "artikel nr",
    ),
    "part_name": (
        "name", "product name", "title", "item name", "product title", "article name", "designation", "item description",
        "part description", "article description", "material description",
        "bezeichnung", "artikelbezeichnung",
    ),
    "description": (
        "body html", "long description", "product description", "full description", "beschreibung",
    ),
    "category": (
        "category path", "category name", "categories", "product category", "kategorie",
    ),
    "manufacturer": (
        "brand", "maker", "hersteller", "mfr", "mfg", "manufacturer name", "brand name",
    ),
    "manufacturer_number": (
        "mpn", "manufacturer part number", "manufacturer part no", "manufacturer part #", "manufacturer number",
        "manufacturer s number", "manufacture part number", "mfr part number", "mfr part no", "mfr part #", "mfr no", "mfr #",
        "mfg part number", "mfg part no", "mfg part #", "mfg #", "herstellernummer", "hersteller nr",
    ),
    "price": (
        "unit price", "list price", "regular price", "sales price", "selling price", "retail price", "variant price",
        "price each", "price per unit", "base price", "net price", "preis", "einzelpreis", "verkaufspreis",
    ),
    "currency": (
        "currency code", "price currency", "währung",
    ),
    "current_stock": (
        "stock", "stock quantity", "stock qty", "stock level", "stock on hand", "in stock", "on hand", "quantity on hand",
        "qty on hand", "quantity available", "qty available", "available quantity", "available qty", "inventory",
        "inventory quantity", "variant inventory qty", "qty", "quantity", "bestand",
        "lagerbestand",
    ),
    "min_stock_level": (
        "minimum stock", "min stock", "reorder level", "reorder point", "low stock amount", "safety stock", "mindestbestand",
    ),
    "status": (
        "published", "is published", "product online", "active", "is active", "enabled", "is enabled", "aktiv", "veröffentlicht",
        "publié", "actif", "publicado", "activo",
    ),
}  # fmt: skip
# What no customer may see, while specifications are public. A column under one of these names is not read. Of other names that
# say that they decide something (`words.py`), somebody has to say what they are.
PRIVATE = frozenset((
    "average cost", "avg cost", "buying price", "cost", "cost per item", "cost price", "dealer cost", "dealer price",
    "einkaufspreis", "landed cost", "last cost", "lieferant", "margin", "markup", "purchase cost", "purchase price",
    "standard cost", "standard price", "supplier", "supplier code", "supplier name", "supplier part no",
    "supplier part number", "supplier price", "supplier sku", "unit cost", "variant cost", "vendor", "vendor name",
    "vendor part number", "vendor price", "vendor sku", "wholesale cost", "wholesale price",
))  # fmt: skip
