"""The words in a column's name which show that it decides something: a price, a tax, whether a part is shown or sold.

Specifications are public, so a column with such a word becomes one only if the user says so. Words are in lower case without
accents: English, German, French and Spanish, and the obvious ones in other languages. A name in a script of whose words none is
known here is asked about as a whole: a purchase price must not be published because nobody could read its header.
"""

import re
import unicodedata

_PRICE = """
    price prices priced pricing msrp rrp srp cost costs costing margin margins markup profit commission royalty surcharge
    surcharges fee fees wholesale retail dealer reseller
    preis preise uvp ek vk hek kosten marge aufschlag zuschlag
    prix cout couts marges tarif tarifs
    precio precios coste costes costo costos margen tarifa
    prezzo prezzi costi margine preco custo margem prijs prijzen cena ceny koszt marza pris priser kostnad
"""
_TAX = """
    tax taxes taxable taxed ecotax vat gst hst excise
    steuer mwst ust taxe tva ecotaxe iva impuesto impuestos imposto btw moms podatek
"""
_SALE = """
    sale sales onsale sold discount discounts discounted discountable rebate rebates promo promos promotion promotions promotional
    offer offers featured bestseller
    rabatt rabatte angebot sonderangebot nachlass
    solde soldes remise remises rabais promotionnel promotionnelle vente ventes
    oferta ofertas rebaja rebajas descuento descuentos liquidacion venta ventas
    sconto sconti offerta offerte desconto korting rabat
"""
_STOCK = """
    stock stocks instock stocked outofstock restock inventory inventories backorder backorders backordered preorder preorders
    available availability unavailable reorder reserved warehouse warehouses
    lagernd lagermenge lagerort lagerplatz lagerstatus vorratig ausverkauft lieferbar reserviert
    disponible disponibilite epuise rupture entrepot reappro reapprovisionnement
    disponibilidad existencias inventario agotado almacen
    giacenza scorta scorte disponibile disponibilita estoque disponivel voorraad beschikbaar
"""
_SHOWN = """
    visibility invisible hidden hide published unpublished publish publishing enabled enable disabled disable draft drafts status
    discontinued discontinuation obsolete obsolescence eol lifecycle deprecated archived deleted blocked
    allow allowed allows show
    sichtbarkeit versteckt ausgeblendet veroffentlicht freigegeben freigabe gesperrt abgekundigt auslaufartikel auslaufmodell
    deaktiviert aktiviert
    visibilite publie publiee masque masquee statut desactive activee archive archivee
    visibilidad publicado publicada habilitado deshabilitado oculto descatalogado
    visibilita pubblicato nascosto publicado visivel zichtbaar zichtbaarheid
"""
_NOTE = """
    note notes comment comments remark remarks memo confidential private supplier suppliers vendor vendors purchase purchases
    purchasing procurement buying buyer
    notiz notizen bemerkung bemerkungen anmerkung anmerkungen kommentar hinweis hinweise lieferant lieferanten vertraulich
    remarque remarques commentaire commentaires fournisseur fournisseurs achat achats confidentiel
    nota notas comentario comentarios observacion observaciones proveedor proveedores compra compras confidencial
    fornitore fornitori fornecedor leverancier opmerking dostawca leverantor
"""
_OTHER_LANGUAGES = """
    fiyat fiyati fiyatlar fiyatlari maliyet maliyeti indirim indirimli kampanya satis alis kdv otv vergi vergisi
    stok stokta depo raf gorunur gizli yayinda pasif tedarikci tedarikcisi notlar
    koszty narzut podatku promocja promocyjna promocyjny wyprzedaz upust sprzedaz sprzedazy zakup zakupu magazyn magazynowy
    magazynie zapas ukryty wycofany opublikowany dostawcy uwagi notatka
    ceny naklad naklady prirazka dph sleva slevy zlava akce akcni prodej prodejni vyprodej sklad sklade skladem zasoba zasoby
    viditelny skryty vyrazeno dodavatel dodavatele dodavatela poznamka poznamky nakup nakupni nakupna
    koltseg arres afa akcio akcios kedvezmeny keszlet raktar raktaron lathato rejtett statusz megjegyzes beszallito szallito
    pret preturi reducere stoc depozit vizibil furnizor observatii achizitie
    moms rea lagersaldo lagerantal lagerbeholdning synlig dold skjult utgatt udgaet anmarkning bemærkning leverandør leverandor
    tilbud indkøb innkjøp hinta hinnat kustannus alv alennus tarjous varasto varastosaldo saatavuus piilotettu toimittaja
    aanbieding opmerkingen verkoop inkoop saldi acquisto
    цена цены цену стоимость себестоимость наценка маржа ндс налог скидка скидки акция распродажа продажа продажи остаток остатки
    склад складе наличие наличии резерв видимость скрыт опубликован статус снят поставщик поставщика примечание примечания
    комментарий комментарии закупка закупочная закупочные заметка
    ціна ціни собівартість націнка пдв податок знижка залишок залишки наявність постачальник примітка закупівля закупівельна
    цената доставчик наличност забележка
    τιμη τιμες κοστος φπα εκπτωση προσφορα αποθεμα αποθηκη διαθεσιμοτητα προμηθευτης σημειωσεις αγορα αγορας
    pvp pvr rrp cogs landed turnover revenue saleable sellable unlisted secret password allocated committed forecasted deletion
    loschvormerkung sperrkennzeichen sperrvermerk
    withdrawn withdrawal quarantine quarantined blacklist blacklisted embargo embargoed purchasable delisted
    einstand einstandspreis закуп
"""
# A level of a category in a column of its own, beside the others.
_LEVELS = """
    subcategory subcategories unterkategorie unterkategorien subkategorie hauptkategorie souscategorie subcategoria subcategorias
    sottocategoria subcategorie podkategoria podkategorie alikategoria underkategori подкатегория підкатегорія altkategori
"""
# These decide only in the company of such words alone: Active in shop, but not Active power or Internal diameter.
_WEAK = """
    active activated inactive visible internal special online net gross state
    aktiv inaktiv sichtbar intern interne interner internes netto brutto aktion
    actif actifs inactif ht ttc etat reduction activo activa inactivo interno interna estado bruto neto attivo stato ativo actief
    map sell buy live listed list searchable unrestricted restricted hold exclusive
    quantite cantidad quantita quantidade menge lager antal
    ilosc stan aktywny nieaktywny mnozstvi stav aktivni ar mennyiseg allapot activ cantitate tila miktar miktari
    adet durum durumu aktif not
    активен активный активно количество состояние кількість стан ποσοτητα κατασταση
"""
_COMPANY = """
    is the of for on at in to from since until date shop store web website site catalog catalogue listing product products item
    items part parts article articles flag y n yes no true false only use usage code codes id ids number nr name reference ref
    info text description class group category value amount percent customer customers b b2b b2c
    im ist katalog artikel produkt produkte ja nein nur ab bis von fur kunde kunden nummer referenz gruppe wert
    dans le la les de du en ligne produit produits oui non boutique numero
    el los tienda producto productos articulo si referencia codigo uso catalogo prodotto articolo
"""
# Chinese, Japanese and Korean put no spaces between words.
_WITHIN = re.compile(
    "[价価價费費税稅]|折扣|优惠|優惠|促销|促銷|库存|庫存|在庫|仓库|倉庫|缺货|现货|供应商|供應商|供货|采购|採購|进货|仕入|取引先|备注|備註|備考"
    "|メモ|状态|狀態|状態|ステータス|上架|下架|停产|停產|廃番|隐藏|隱藏|启用|公開|毛利|利润|利潤|佣金|内部|销量|销售|銷售|販売|割引|値引|セール|利益|数量|數量"
    "|가격|단가|원가|판매|매입|할인|세금|부가세|재고|창고|공급|비고|메모|공개|상태|품절|마진|이익|수량"
)
# How Unicode's names of the letters begin in which the languages above are written.
_KNOWN_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "CJK", "KATAKANA", "HIRAGANA", "HANGUL", "MODIFIER", "COMBINING", "IDEOGRAPHIC")
_DECIDING = frozenset(" ".join((_PRICE, _TAX, _SALE, _STOCK, _SHOWN, _NOTE, _OTHER_LANGUAGES, _LEVELS)).casefold().split())
_ALONE = frozenset(_WEAK.casefold().split())
_BESIDE = _ALONE.union(_COMPANY.split())
# Endings and beginnings of compounds: Sonderpreis, Mehrwertsteuer, Mindestbestand, but not Steuerspannung, Kugellager.
_ENDS = (
    "preis", "preise", "preisgruppe", "kosten", "rabatt", "mwst", "wertsteuer", "satzsteuer", "bestand", "bestande", "marge",
    "lieferant", "sichtbarkeit", "verfugbarkeit", "notiz", "bemerkung", "status", "angebot", "prijs", "korting", "priser",
    "pspris", "bspris", "gspris", "hinta", "voorraad", "beholdning",
)  # fmt: skip
_BEGINNINGS = (
    "preis", "verkauf", "einkauf", "steuersatz", "steuerklasse", "steuergruppe", "steuerschlussel", "steuercode", "steuerfrei",
    "steuerpflichtig", "mehrwertsteuer", "umsatzsteuer", "lagerbestand", "bestands", "verfugbar", "lieferanten", "rabatt",
    "price", "saleprice", "taxclass", "taxrate", "stockstatus", "stockq", "supplier", "vendor", "discount", "visibil",
    "sichtbarkeit", "disponib", "discontinu", "backorder", "inkoop", "verkoop", "widoczn", "dostepn",
    "dostupn", "tedarik", "zakupow", "inkops", "indkøbs", "innkjøps", "prodejn", "skladov", "beszerz", "закупоч",
)  # fmt: skip
_PART_NUMBER = re.compile(
    r"\b(?:ean|gtin|upc|isbn|asin|barcode|strichcode|mpn|sku|referencia|reference)\b|(?:ean|gtin|upc|isbn)[ _-]?[0-9]+"
    r"|\b(?:part|item|article|order|model|product|catalog|catalogue|serial|stock)[ _]*(?:number|no|nr|code|#)"
    r"|(?:artikel|bestell|teile|hersteller|modell|material|vare|varu|tuote)[ -]?(?:nummer|numero|nr)"
    r"|\b(?:barkod|kod kreskowy|code[ -]barres|codigo de barras|codice a barre|carovy kod|vonalkod|cikkszam|штрихкод|артикул)\b"
    "|条码|條碼|条形码|货号|貨號|料号|品番|型番|품번|바코드"
)
_BEFORE_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")
_PHRASES = re.compile(
    r"\b(?:out of stock|on hand|on order|do not sell|end of life|frei verwendbar|hors taxes?|en solde|en ligne|auf lager"
    r"|a la venta|en stock|eco.participation|phase[ds]?.out|do not"
    r"|(?:main|top|parent|root|sub|sous)[ _-]categor(?:y|ie|ia)s?"
    r"|^(?:categor(?:y|ie|ia)|kategorie?|категория)[ _-]?(?:level[ _-]?)?[0-9])\b"
)


def deciding_word(name: str) -> str | None:
    """Return the word in a column's name which shows that it decides something, or None."""
    plain = _plain(_BEFORE_CAPITAL.sub(" ", name))
    words: list[str] = _WORD.findall(plain)
    # A capital begins a word in TaxClass, but not in MwSt.
    whole: list[str] = _WORD.findall(_plain(name))
    for word in words + whole:
        if word in _DECIDING or word.startswith(_BEGINNINGS) or (len(word) > 4 and word.endswith(_ENDS)):
            return word
    if found := _PHRASES.search(plain) or _WITHIN.search(name):
        return str(found[0])
    if foreign := next((word for word in whole if not _is_known_script(word)), None):
        return foreign
    return next((word for word in words if word in _ALONE), None) if _BESIDE.issuperset(words) else None


def _is_known_script(word: str) -> bool:
    return all(letter.isascii() or unicodedata.name(letter, "").startswith(_KNOWN_SCRIPTS) for letter in word)


def names_part_number(name: str) -> bool:
    """Whether a column's name says that it holds part numbers or other identifiers."""
    return _PART_NUMBER.search(_plain(name)) is not None


def _plain(name: str) -> str:
    return without_accents(name.casefold())


def without_accents(text: str) -> str:
    """Return a text in small letters without accents and dots, as far as they are no part of the letter (ł and ø keep theirs)."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ı", "i"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
