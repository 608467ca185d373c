"""The words by which a column's name says that it decides something: a price, a tax, whether a part is shown or sold.

Specifications are public. So a column with such a word becomes one only if somebody says so. Words are in small letters without
accents: English, German, French and Spanish, and what is plain in Italian, Portuguese, Dutch, Polish and Scandinavian ones.
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
# These decide only where nothing but such words stands beside them: Active in shop, and not Active power or Internal diameter.
_WEAK = """
    active activated inactive visible internal special online net gross state
    aktiv inaktiv sichtbar intern interne interner internes netto brutto aktion
    actif actifs inactif ht ttc etat reduction activo activa inactivo interno interna estado bruto neto attivo stato ativo actief
"""
_COMPANY = """
    is the of for on at in to from since until date shop store web website site catalog catalog listing product products item
    items part parts article articles flag y n yes no true false only use usage code codes id ids number nr name reference ref
    info text description class group category value amount percent customer customers b b2b b2c
    im ist katalog artikel produkt produkte ja nein nur ab bis von fur kunde kunden nummer referenz gruppe wert
    dans le la les de du en ligne produit produits oui non boutique numero
    el los tienda producto productos articulo si referencia codigo uso catalogo prodotto articolo
"""
_DECIDING = frozenset(" ".join((_PRICE, _TAX, _SALE, _STOCK, _SHOWN, _NOTE)).split())
_ALONE = frozenset(_WEAK.split())
_BESIDE = _ALONE.union(_COMPANY.split())
# The ends and beginnings of compounds: Sonderpreis, Mehrwertsteuer, Mindestbestand. Not Steuerspannung, Kugellager.
_ENDS = (
    "preis", "preise", "preisgruppe", "kosten", "rabatt", "mwst", "wertsteuer", "satzsteuer", "bestand", "bestande", "marge",
    "lieferant", "sichtbarkeit", "verfugbarkeit", "notiz", "bemerkung", "status", "angebot", "prijs", "korting",
)  # fmt: skip
_BEGINNINGS = (
    "preis", "verkauf", "einkauf", "steuersatz", "steuerklasse", "steuergruppe", "steuerschlussel", "steuercode", "steuerfrei",
    "steuerpflichtig", "mehrwertsteuer", "umsatzsteuer", "lagerbestand", "bestands", "verfugbar", "lieferanten", "rabatt",
    "price", "saleprice", "taxclass", "taxrate", "stockstatus", "stockq", "supplier", "vendor", "discount", "visibil",
    "sichtbarkeit", "disponib", "discontinu", "backorder", "inkoop", "verkoop", "widoczn", "dostepn",
)  # fmt: skip
_PART_NUMBER = re.compile(
    r"\b(?:ean|gtin|upc|isbn|asin|barcode|strichcode|mpn|sku|referencia|reference)\b|(?:ean|gtin|upc|isbn)[ _-]?[0-9]+"
    r"|\b(?:part|item|article|order|model|product|catalog|catalog|serial|stock)[ _]*(?:number|no|nr|code|#)"
    r"|(?:artikel|bestell|teile|hersteller|modell|material)[ -]?(?:nummer|nr)"
)
_BEFORE_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")
_PHRASES = re.compile(r"\b(?:out of stock|on hand|end of life|hors taxes?|en solde|en ligne|auf lager|a la venta|en stock)\b")


def deciding_word(name: str) -> str | None:
    """Return the word by which a column's name says that it decides something, or None."""
    plain = _plain(_BEFORE_CAPITAL.sub(" ", name))
    words: list[str] = _WORD.findall(plain)
    # A capital begins a word in TaxClass, and does not in MwSt.
    whole: list[str] = _WORD.findall(_plain(name))
    for word in words + whole:
        if word in _DECIDING or word.startswith(_BEGINNINGS) or (len(word) > 4 and word.endswith(_ENDS)):
            return word
    if found := _PHRASES.search(plain):
        return str(found[0])
    return next((word for word in words if word in _ALONE), None) if _BESIDE.issuperset(words) else None


def names_part_number(name: str) -> bool:
    """Whether a column's name says that it holds numbers by which parts are known."""
    return _PART_NUMBER.search(_plain(name)) is not None


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
