"""Qingxi 晴溪镇: the town that every demonstration happens in. Nobody and nothing in it is real."""

from dataclasses import dataclass
from typing import Final

from tracker.organisation.models import AreaKind, UnitKind
from tracker.permissions import Role

PASSWORD: Final = "shishi-demo"  # noqa: S105 - printed on purpose: the people are invented
MAIL_DOMAIN: Final = "qingxi.example"


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit; `key` is how the rest of the plan calls it."""

    key: str
    parent: str | None
    kind: UnitKind
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class AreaPlan:
    """An area, whose desk is `unit`, or the desk of the area above."""

    key: str
    parent: str | None
    kind: AreaKind
    name: str
    name_en: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class TeamPlan:
    """A volunteer team, the areas it looks after and the kinds of help it gives."""

    key: str
    unit: str
    name: str
    name_en: str
    description: str
    description_en: str
    areas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """Somebody: a role in a unit, or a place in teams (led ones first)."""

    key: str
    name: str
    title: str
    title_en: str
    role: Role | None = None
    unit: str = "town"
    leads: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()
    is_vetted: bool = True


UNITS: Final = (
    UnitPlan("town", None, UnitKind.BUREAU, "晴溪镇为民服务中心", "Qingxi Town Service Centre"),
    UnitPlan("north", "town", UnitKind.BRANCH, "溪北分中心", "North Bank Branch"),
    UnitPlan("south", "town", UnitKind.BRANCH, "溪南分中心", "South Bank Branch"),
    UnitPlan("new", "town", UnitKind.BRANCH, "新城分中心", "New Town Branch"),
    UnitPlan("liuqiao", "north", UnitKind.STATION, "柳桥服务站", "Willow Bridge Station"),
    UnitPlan("rongshu", "south", UnitKind.STATION, "榕树下服务站", "Banyan Station"),
    UnitPlan("zhanqian", "new", UnitKind.STATION, "站前服务站", "Station Square Station"),
)

_GRIDS: Final = ("一", "二", "三", "四")


def _community(
    key: str, parent: str, name: str, name_en: str, *, grids: int, unit: str | None = None
) -> tuple[AreaPlan, ...]:
    """Return a community or village with its grids."""
    return (
        AreaPlan(key, parent, AreaKind.COMMUNITY, name, name_en, unit),
        *(
            AreaPlan(
                f"{key}-{number}",
                key,
                AreaKind.GRID,
                f"{name}第{_GRIDS[number - 1]}网格",
                f"{name_en}, grid {number}",
            )
            for number in range(1, grids + 1)
        ),
    )


AREAS: Final = (
    AreaPlan("qingxi", None, AreaKind.DISTRICT, "晴溪镇", "Qingxi Town", "town"),
    AreaPlan("north-bank", "qingxi", AreaKind.STREET, "溪北片区", "North Bank", "north"),
    *_community(
        "liuqiao", "north-bank", "柳桥社区", "Willow Bridge Community", grids=3, unit="liuqiao"
    ),
    *_community("shuimofang", "north-bank", "水磨坊社区", "Water Mill Community", grids=2),
    *_community("shiqiao", "north-bank", "石桥村", "Stone Bridge Village", grids=2),
    AreaPlan("south-bank", "qingxi", AreaKind.STREET, "溪南片区", "South Bank", "south"),
    *_community("rongshu", "south-bank", "榕树下社区", "Banyan Community", grids=3, unit="rongshu"),
    *_community("dukou", "south-bank", "渡口社区", "Ferry Community", grids=2),
    *_community("chayuan", "south-bank", "茶园村", "Tea Garden Village", grids=2),
    AreaPlan("new-town", "qingxi", AreaKind.STREET, "新城片区", "New Town", "new"),
    *_community(
        "zhanqian", "new-town", "站前社区", "Station Square Community", grids=4, unit="zhanqian"
    ),
    *_community("yuncui", "new-town", "云翠社区", "Cloud Green Community", grids=3),
    *_community("hetang", "new-town", "荷塘村", "Lotus Pond Village", grids=2),
)

TEAMS: Final = (
    TeamPlan(
        "north-youth",
        "north",
        "溪北青年志愿服务队",
        "North Bank Youth Volunteers",
        "上门探访、陪同就医、代办代购，周末也在。",
        "Visits, company to the doctor, errands; at weekends too.",
        areas=("north-bank",),
        categories=("elders", "children", "health", "volunteering"),
    ),
    TeamPlan(
        "south-neighbours",
        "south",
        "溪南邻里互助队",
        "South Bank Neighbours",
        "街坊帮街坊：探访、跑腿、调解小纠纷。",
        "Neighbours for neighbours: visits, errands, small quarrels.",
        areas=("south-bank",),
        categories=("elders", "children", "health", "neighbours", "volunteering"),
    ),
    TeamPlan(
        "new-pioneers",
        "new",
        "新城先锋志愿服务队",
        "New Town Pioneers",
        "新城片区的党员和青年志愿者。",
        "Volunteers of the new quarter, young and not so young.",
        areas=("new-town",),
        categories=("elders", "children", "health", "neighbours", "volunteering"),
    ),
    TeamPlan(
        "repairs",
        "town",
        "便民维修服务队",
        "Repair Team",
        "水、电、门、窗、灯，小修小补。",
        "Water, electricity, doors, windows and lights.",
        areas=("qingxi",),
        categories=("repairs", "roads", "housing", "surroundings"),
    ),
    TeamPlan(
        "advice",
        "town",
        "政策与法律咨询队",
        "Advice Team",
        "社保、救助、就业、证件、法律，讲得明白、帮得到位。",
        "Benefits, work, papers and law: explained and helped with.",
        areas=("qingxi",),
        categories=("work", "papers", "hardship", "farming"),
    ),
)

PEOPLE: Final = (
    PersonPlan(
        "zhou", "周晓雯", "服务中心协调员", "Coordinator, town desk", Role.COORDINATOR, "town"
    ),
    PersonPlan(
        "lin", "林芳", "溪南分中心协调员", "Coordinator, South Bank", Role.COORDINATOR, "south"
    ),
    PersonPlan("chen", "陈国栋", "督导员，全镇", "Supervisor, whole town", Role.SUPERVISOR, "town"),
    PersonPlan(
        "zheng", "郑海燕", "督导员，新城分中心", "Supervisor, New Town", Role.SUPERVISOR, "new"
    ),
    PersonPlan(
        "wang",
        "王建平",
        "溪北分中心主任，联系柳桥社区",
        "Head of North Bank, looks after Willow Bridge",
        Role.LEADER,
        "north",
    ),
    PersonPlan(
        "liu",
        "刘志远",
        "溪南分中心主任，联系茶园村",
        "Head of South Bank, looks after Tea Garden",
        Role.LEADER,
        "south",
    ),
    PersonPlan(
        "zhao",
        "赵丽华",
        "新城分中心主任，联系站前社区",
        "Head of New Town, looks after Station Square",
        Role.LEADER,
        "new",
    ),
    PersonPlan(
        "sun",
        "孙伟",
        "服务中心副主任，联系石桥村",
        "Deputy head of the centre, looks after Stone Bridge",
        Role.LEADER,
        "town",
    ),
    PersonPlan(
        "xu", "许佳", "溪北青年队队长", "Leads the North Bank Youth", leads=("north-youth",)
    ),
    PersonPlan(
        "huang",
        "黄秀英",
        "溪南邻里队队长",
        "Leads the South Bank Neighbours",
        leads=("south-neighbours",),
    ),
    PersonPlan(
        "gao", "高翔", "新城先锋队队长", "Leads the New Town Pioneers", leads=("new-pioneers",)
    ),
    PersonPlan("luo", "罗大成", "维修队队长，电工", "Leads the Repair Team", leads=("repairs",)),
    PersonPlan("tang", "唐慧", "咨询队队长，律师", "Leads the Advice Team", leads=("advice",)),
    PersonPlan(
        "li", "李思远", "溪北志愿者，大学生", "Volunteer, student", member_of=("north-youth",)
    ),
    PersonPlan(
        "ma",
        "马晓东",
        "溪北志愿者，也懂维修",
        "Volunteer, also repairs",
        member_of=("north-youth", "repairs"),
    ),
    PersonPlan(
        "guo",
        "郭敏",
        "溪南志愿者，退休护士",
        "Volunteer, retired nurse",
        member_of=("south-neighbours",),
    ),
    PersonPlan(
        "xie",
        "谢文静",
        "溪南志愿者，小学教师",
        "Volunteer, teacher",
        member_of=("south-neighbours",),
    ),
    PersonPlan(
        "song", "宋阳", "新城志愿者，程序员", "Volunteer, programmer", member_of=("new-pioneers",)
    ),
    PersonPlan(
        "yu",
        "余倩",
        "新城志愿者，社工",
        "Volunteer, social worker",
        member_of=("new-pioneers", "advice"),
    ),
    PersonPlan("pan", "潘志强", "维修志愿者，水工", "Volunteer, plumber", member_of=("repairs",)),
    PersonPlan(
        "deng",
        "邓小雨",
        "新城志愿者，待审核",
        "Volunteer, not vetted yet",
        member_of=("new-pioneers",),
        is_vetted=False,
    ),
    PersonPlan("he", "何静", "审计员", "Auditor", Role.AUDITOR, "town"),
    PersonPlan("su", "苏明远", "系统管理员", "Administrator", Role.ADMINISTRATOR, "town"),
)
