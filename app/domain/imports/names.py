"""What other systems call a catalog's columns. The names are in lower case, without punctuation."""

# The other names of each field. If a file has several of them, the one listed first counts.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "sku": (
        "part number", "part no", "part #", "product sku", "variant sku", "sku code", "item number", "item no", "item #",
        "item code", "article number", "article no", "product code", "product number", "stock code", "catalog number",
        "catalogue number", "material number", "internal reference", "internal part number", "default code", "ipn",
        "reference", "reference #", "digi key part number", "digi key part #", "dk part #", "mouser part number", "mouser #",
        "lcsc part number", "rs stock no", "artikelnummer", "artikel nr",
        "referenz", "art nr", "artikelnr", "artikelcode", "materialnummer", "teilenummer", "référence", "réf", "code article",
        "référence produit", "referencia", "código", "código de artículo", "codice", "codice articolo", "indeks",
        "kod produktu", "kod towaru", "kód", "kód produktu", "cikkszám", "cod produs", "varenummer", "varenr", "tuotenumero",
        "tuotekoodi", "stok kodu", "ürün kodu", "артикул", "код товара", "код товару", "κωδικός", "货号", "商品编码",
        "产品编码", "物料编码",
        "料号", "品番", "商品コード", "품번", "상품코드",
    ),
    "part_name": (
        "name", "product name", "title", "item name", "product title", "article name", "designation", "item description",
        "part description", "article description", "material description",
        "bezeichnung", "artikelbezeichnung",
        "artikelname", "produktname", "materialkurztext", "nom", "nom du produit", "désignation", "libellé", "nombre",
        "nombre del producto", "denominación", "nome", "nome prodotto", "denominazione", "naam", "productnaam", "nazwa",
        "nazwa produktu", "nazwa towaru", "název", "název produktu", "názov", "megnevezés", "termék neve", "denumire", "namn",
        "benämning", "navn", "varenavn", "nimi", "tuotenimi", "ürün adı", "stok adı", "malzeme adı", "наименование", "название",
        "название товара", "назва", "όνομα", "ονομασία", "商品名称", "产品名称", "品名", "名称", "商品名", "品目名", "품명",
        "상품명", "제품명",
    ),
    "description": (
        "body html", "long description", "product description", "full description", "beschreibung",
        "langtext", "description longue", "descripción", "descrizione", "descrição", "omschrijving", "opis", "popis", "leírás",
        "descriere", "beskrivning", "beskrivelse", "kuvaus", "açıklama", "описание", "опис", "περιγραφή", "商品描述",
        "产品描述", "描述",
        "商品説明", "説明", "상품설명", "설명",
    ),
    "category": (
        "category path", "category name", "categories", "product category", "kategorie",
        "kategorien", "warengruppe", "catégorie", "catégories", "categoría", "categorías", "categoria", "categorie",
        "kategoria", "kategória", "kategori", "luokka", "категория", "категорія", "κατηγορία", "商品分类", "产品分类", "分类",
        "类别",
        "カテゴリ", "カテゴリー", "카테고리",
    ),
    "manufacturer": (
        "brand", "maker", "hersteller", "mfr", "mfg", "manufacturer name", "brand name",
        "marke", "marque", "fabricant", "marca", "fabricante", "produttore", "merk", "fabrikant", "producent", "marka",
        "výrobce", "výrobca", "značka", "gyártó", "producător", "tillverkare", "produsent", "valmistaja", "üretici",
        "производитель", "бренд", "виробник", "κατασκευαστής", "制造商", "品牌", "メーカー", "ブランド", "제조사", "브랜드",
    ),
    "manufacturer_number": (
        "mpn", "manufacturer part number", "manufacturer part no", "manufacturer part #", "manufacturer number",
        "manufacturer s number", "manufacture part number", "mfr part number", "mfr part no", "mfr part #", "mfr no", "mfr #",
        "mfg part number", "mfg part no", "mfg part #", "mfg #", "herstellernummer", "hersteller nr",
        "herstellerteilenr", "hersteller teilenummer", "herstellerartikelnummer", "hersteller artikelnummer",
        "référence fabricant", "référence constructeur", "referencia fabricante", "referencia del fabricante",
        "codice produttore", "kod producenta", "kód výrobce", "üretici kodu", "артикул производителя", "制造商编号",
        "メーカー型番",
    ),
    "price": (
        "unit price", "list price", "regular price", "sales price", "selling price", "retail price", "variant price",
        "price each", "price per unit", "base price", "net price", "preis", "einzelpreis", "verkaufspreis",
    ),
    "currency": (
        "currency code", "price currency", "währung",
        "devise", "monnaie", "moneda", "valuta", "moeda", "waluta", "měna", "mena", "pénznem", "valuutta", "para birimi",
        "валюта", "νόμισμα", "货币", "币种", "通貨", "통화",
    ),
    "current_stock": (
        "stock", "stock quantity", "stock qty", "stock level", "stock on hand", "in stock", "on hand", "quantity on hand",
        "qty on hand", "quantity available", "qty available", "available quantity", "available qty", "inventory",
        "inventory quantity", "variant inventory qty", "qty", "quantity", "bestand",
        "lagerbestand",
        "quantité", "quantité en stock", "cantidad", "existencias", "quantità", "giacenza", "estoque", "quantidade", "voorraad",
        "ilość", "stan magazynowy", "množství", "skladem", "készlet", "lagersaldo", "lagerbeholdning", "varastosaldo", "stok",
        "stok miktarı", "stok adedi", "остаток", "количество", "залишок", "库存", "库存数量", "数量", "在庫", "在庫数",
        "재고", "재고수량", "수량",
    ),
    "min_stock_level": (
        "minimum stock", "min stock", "reorder level", "reorder point", "low stock amount", "safety stock", "mindestbestand",
        "meldebestand", "sicherheitsbestand", "stock minimum", "stock minimal", "seuil de stock", "stock mínimo",
        "scorta minima", "stan minimalny", "minimální zásoba", "minimum stok", "минимальный остаток", "最低库存", "安全库存",
        "安全在庫",
        "안전재고",
    ),
    "status": (
        "published", "is published", "product online", "active", "is active", "enabled", "is enabled", "aktiv",
        "veröffentlicht",
        "publié", "actif", "publicado", "activo",
    ),
}  # fmt: skip
# What no customer may see, whereas specifications are public. A column under one of these names is not read. For other names
# that suggest that they decide something (`words.py`), somebody has to say what they are.
PRIVATE = frozenset((
    "average cost", "avg cost", "buying price", "cost", "cost per item", "cost price", "dealer cost", "dealer price",
    "einkaufspreis", "landed cost", "last cost", "lieferant", "margin", "markup", "purchase cost", "purchase price",
    "standard cost", "standard price", "supplier", "supplier code", "supplier name", "supplier part no",
    "supplier part number", "supplier price", "supplier sku", "unit cost", "variant cost", "vendor", "vendor name",
    "vendor part number", "vendor price", "vendor sku", "wholesale cost", "wholesale price",
))  # fmt: skip
