"""The municipal standard open data sets: each heading of the standard, of its earlier edition and of known files."""

from __future__ import annotations

from functools import cache

import pytest

from datamodels.library import Library, built_in, read_library
from datamodels.opendata.headings import find_headings
from datamodels.opendata.mapping import Column, Mapping
from datamodels.opendata.rows import Choices, RowReader
from datamodels.opendata.sets import find_set

HEAD = "全国地方公共団体コード,ID,地方公共団体名"
PLACE = (
    "所在地_全国地方公共団体コード,町字ID,所在地_連結表記,所在地_都道府県,所在地_市区町村,所在地_町字,所在地_番地以下,"
    "建物名等(方書),緯度,経度,高度の種別,高度の値"
)
CONTACT = "電話番号,内線番号,連絡先メールアドレス,連絡先FormURL,連絡先備考（その他、SNSなど）,郵便番号"
OLD = "都道府県コード又は市区町村コード,NO,都道府県名,市区町村名"
AGES = ",".join(f"{age}-{age + 4}歳の{sex}" for age in range(0, 85, 5) for sex in ("男性", "女性"))
HAZARDS = ",".join(
    f"災害種別_{one}"
    for one in ("洪水", "崖崩れ、土石流及び地滑り", "高潮", "地震", "津波", "大規模な火事", "内水氾濫", "火山現象")
)
SETS = {
    "PublicFacility": [
        (
            f"{HEAD},名称,名称_カナ,名称_英語,名称_通称,POIコード,{PLACE},{CONTACT},法人番号,団体名,利用可能曜日,開始時間,終了時間,"
            "利用可能日時特記事項,説明,バリアフリー情報,URL,画像,画像_ライセンス,備考"
        ),
        (
            f"{OLD},名称,名称_カナ,名称_通称,POIコード,住所,方書,緯度,経度,電話番号,内線番号,法人番号,団体名,利用可能曜日,開始時間,"
            "終了時間,利用可能日時特記事項,説明,バリアフリー情報,URL,備考"
        ),
    ],
    "CulturalProperty": [
        (
            f"{OLD},名称,名称_カナ,名称_通称,名称_英語,文化財分類,種類,場所名称,住所,方書,緯度,経度,電話番号,内線番号,員数（数）,"
            "員数（単位）,法人番号,所有者等,文化財指定日,利用可能曜日,開始時間,終了時間,利用可能日時特記事項,画像,画像_ライセンス,"
            "概要,概要_英語,説明,説明_英語,URL,備考"
        ),
    ],
    "EvacuationSite": [
        (
            f"{HEAD},名称,名称_カナ,名称_英字,{PLACE.removesuffix(',高度の種別,高度の値')},標高,{CONTACT},{HAZARDS},"
            "指定避難所との重複,想定収容人数,対象となる町会・自治会,URL,画像,画像_ライセンス,備考"
        ),
        (
            "NO,名称,名称_カナ,住所,方書,緯度,経度,標高,電話番号,内線番号,市区町村コード,都道府県名,市区町村名,"
            f"{HAZARDS},指定避難所との重複,想定収容人数,対象となる町会・自治会,URL,備考"
        ),
    ],
    "PopulationByAge": [
        (
            "都道府県コード又は市区町村コード,地域コード,地方公共団体名,調査年月日,地域名,総人口,男性,女性,"
            f"{AGES},85歳以上の男性,85歳以上の女性,世帯数,備考"
        ),
    ],
    "ChildcareFacility": [
        (
            f"{HEAD},名称,名称_カナ,名称_英字,種別,{PLACE},アクセス方法,駐車場情報,電話番号,内線番号,FAX番号,連絡先メールアドレス,"
            "連絡先FormURL,連絡先備考（その他、SNSなど）,郵便番号,法人番号,団体名,許可等年月日,収容定員,受入年齢,利用可能曜日,"
            "開始時間,終了時間,利用可能日時特記事項,一時預かりの有無,子供預かり料金種別,子供預かり料金,子供預かり料金備考,"
            "子供預かり開所時間,子供預かり閉所時間,病児保育の有無,授乳室,おむつ替えコーナー,飲食可否,ベビーカー貸出,"
            "ベビーカー利用,URL,画像,画像_ライセンス,備考"
        ),
    ],
    "OpenDataResource": [
        f"{HEAD},データ名称,データ概要,データ形式,分類,更新頻度,URL,API対応有無,ライセンス,登録日,最終更新日,備考",
    ],
    "PublicWirelessLan": [
        f"{HEAD},名称,名称_カナ,名称_英語,{PLACE},設置者,{CONTACT},SSID,提供エリア,URL,備考",
        f"{OLD},名称,名称_カナ,名称_英語,住所,方書,緯度,経度,設置者,電話番号,内線番号,SSID,提供エリア,URL,備考",
    ],
    "AedLocation": [
        (
            f"{HEAD},名称,名称_カナ,名称_英語,{PLACE},設置位置,{CONTACT},法人番号,団体名,利用可能曜日,開始時間,終了時間,"
            "利用可能日時特記事項,小児対応設備の有無,URL,画像,画像_ライセンス,備考"
        ),
        (
            f"{OLD},名称,名称_カナ,住所,方書,緯度,経度,設置位置,電話番号,内線番号,法人番号,団体名,利用可能曜日,開始時間,終了時間,"
            "利用可能日時特記事項,小児対応設備の有無,URL,備考"
        ),
    ],
    "CareServiceProvider": [
        (
            f"{OLD},介護サービス事業所名称,介護サービス事業所名称_カナ,実施サービス,住所,方書,緯度,経度,電話番号,内線番号,FAX番号,"
            "法人番号,法人の名称,事業所番号,利用可能曜日,利用可能曜日特記事項,定員,URL,備考"
        ),
    ],
    "MedicalInstitution": [
        (
            f"{OLD},名称,名称_カナ,医療機関の種類,住所,方書,緯度,経度,電話番号,内線番号,FAX番号,法人番号,法人の名称,医療機関コード,"
            "診療曜日,診療開始時間,診療終了時間,診療日時特記事項,時間外における対応,診療科目,病床数,URL,備考"
        ),
    ],
    "TourismFacility": [
        (
            f"{OLD},名称,名称_カナ,名称_英語,POIコード,住所,方書,緯度,経度,利用可能曜日,開始時間,終了時間,利用可能日時特記事項,"
            "料金(基本),料金(詳細),説明,説明_英語,アクセス方法,駐車場情報,バリアフリー情報,連絡先名称,連絡先電話番号,"
            "連絡先内線番号,画像,画像_ライセンス,URL,備考"
        ),
    ],
    "MunicipalEvent": [
        (
            f"{OLD},イベント名,イベント名_カナ,イベント名_英語,開始日,終了日,開始時間,終了時間,開始日時特記事項,説明,料金(基本),"
            "料金(詳細),連絡先名称,連絡先電話番号,連絡先内線番号,主催者,場所名称,住所,方書,緯度,経度,アクセス方法,駐車場情報,"
            "定員,参加申込終了日,参加申込終了時間,参加申込方法,URL,備考"
        ),
    ],
    "PublicToilet": [
        (
            f"{HEAD},名称,名称_カナ,名称_英語,{PLACE},設置位置,男性トイレ総数,男性トイレ数（小便器）,男性トイレ数（和式）,"
            "男性トイレ数（洋式）,女性トイレ総数,女性トイレ数（和式）,女性トイレ数（洋式）,男女共用トイレ総数,"
            "男女共用トイレ数（和式）,男女共用トイレ数（洋式）,バリアフリートイレ数,車椅子使用者用トイレ有無,"
            "乳幼児用設備設置トイレ有無,オストメイト設置トイレ有無,利用開始時間,利用終了時間,利用可能時間特記事項,画像,"
            "画像_ライセンス,備考"
        ),
        f"{OLD},名称,名称_カナ,住所,方書,設置位置,緯度,経度,男性トイレ総数,女性トイレ総数,男女共用トイレ総数,多機能トイレ数",
    ],
    "FireWaterSource": [
        f"{HEAD},種別,{PLACE},口径,備考",
        f"{OLD},種別,住所,方書,緯度,経度,口径,備考",
    ],
    "FoodBusinessPermit": [
        (
            f"{HEAD},施設名称,施設名称_カナ,施設名称_英字,営業の種類,業態,所在地_全国地方公共団体コード,町字ID,所在地_連結標記,"
            "施設所在地_都道府県,施設所在地_市区町村,施設所在地_町字,施設所在地_番地以下,施設方書,緯度,経度,施設電話番号,"
            "連絡先メールアドレス,連絡先FormURL,連絡先備考,郵便番号,法人名,法人番号,許可番号,初回許可年月日,許可年月日,許可開始日,"
            "許可満了日,廃業年月日,申請区分,許可条件,備考"
        ),
        (
            "自治体コード,都道府県名,市区町村名,営業施設名称、屋号又は商号,営業の種類,業態,営業施設所在地,営業施設方書,緯度,経度,"
            "営業施設電話番号,法人名,法人番号,許可番号,初回許可年月日,許可年月日,許可開始日,許可満了日,廃業年月日,申請区分,"
            "許可条件,備考"
        ),
    ],
}

CELLS = {
    "municipality": "111091",
    "identifier": "12",
    "phone": "048-123-4567",
    "corporate": "7000012050002",
    "digits": "0001000",
    "postal": "336-0963",
    "uri": "https://example.jp/a",
    "flag": "有",
    "number": "12.5",
    "integer": "34",
    "date": "令和5年4月1日",
    "opens": "9:00",
    "closes": "17:30",
    "time": "9:00",
    "weekdays": "月火水木金",
    "code": "1234567890",
    "kana": "ﾐｿﾉ",
    "closed": "",
    "text": "文字",
}
PARTS = {
    "latitude": "35.8716",
    "longitude": "139.7319",
    "full": "埼玉県さいたま市緑区美園4-1",
    "prefecture": "埼玉県",
    "city": "さいたま市緑区",
    "code": "111091",
    "townId": "0001000",
    "postal": "336-0963",
}
OTHERS = {"poiCode": "1234", "contactPointEmailAddress": "desk@city.example.jp"}


@cache
def _library() -> Library:
    return read_library(built_in())


def _mapping(kind: str) -> Mapping:
    return find_set(_library(), model=f"gif:{kind}").mapping


def test_every_model_of_the_package_has_its_headings_here() -> None:
    """A model that is added is tried too; those of GIF's core models are no data sets."""
    models = _library().packages["gif"].models.values()
    assert {one.name for one in models if one.based_on[0].startswith("自治体標準")} == set(SETS)
    assert {one.based_on[0][:3] for one in models if one.name not in SETS} == {"GIF"}


@pytest.mark.parametrize(("kind", "heading"), [(kind, text) for kind, all_of in SETS.items() for text in all_of])
def test_every_heading_of_a_file_is_a_column(kind: str, heading: str) -> None:
    """No column of a file as municipalities publish it is lost, and none is taken for another."""
    texts = heading.split(",")
    found = find_headings([texts], _mapping(kind))
    assert found.unknown == []
    filled = [(column.to, column.part, column.lang, column.reads) for column in found.columns if column]
    assert len(set(filled)) == len(filled)


@pytest.mark.parametrize("kind", SETS)
def test_every_attribute_is_filled_by_a_column(kind: str) -> None:
    """What no column fills comes from the data set itself: who provides it, where it is from, when it changed."""
    model = _library().packages["gif"].models[kind]
    filled = {column.to for column in _mapping(kind).columns}
    assert set(model.attributes) - filled <= {"dataProvider", "source", "dateModified"}


@pytest.mark.parametrize("kind", SETS)
def test_no_heading_of_a_data_set_stands_for_two_columns(kind: str) -> None:
    """Another way to write one column is no column's own heading."""
    columns = _mapping(kind).columns
    own = {column.heading for column in columns}
    others = [text for column in columns for text in column.also]
    assert [text for text in set(others) if others.count(text) > 1 and text not in own] == []


def _cell(column: Column) -> str:
    return PARTS.get(column.part, "") if column.part else OTHERS.get(column.to) or CELLS[column.reads]


@pytest.mark.parametrize(("kind", "heading"), [(kind, text) for kind, all_of in SETS.items() for text in all_of])
def test_a_row_with_every_cell_is_what_its_model_takes(kind: str, heading: str) -> None:
    """Nothing is left out, and the model that the entity is held to finds no fault with it."""
    chosen = find_set(_library(), model=f"gif:{kind}")
    found = find_headings([heading.split(",")], chosen.mapping)
    outcome = RowReader(chosen.mapping, found, Choices(today="2026-11-23")).read(
        [_cell(column) for column in found.columns if column]
    )
    assert outcome is not None
    assert outcome.entity is not None
    assert [repair for repair in outcome.repairs if repair.rule in ("left-out", "inconsistent")] == []
    assert list(chosen.hold(chosen.dress(outcome.entity))) == []
