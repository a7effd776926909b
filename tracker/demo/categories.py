"""What people of the town ask for, in plain words: two levels, in both languages."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Leaf:
    """One kind of request. `marks`: emergency, sensitive, evidence; `days`: its own limit."""

    key: str
    name: str
    name_en: str
    description: str
    description_en: str
    keywords: str = ""
    marks: frozenset[str] = frozenset()
    priority: str = "normal"
    days: int | None = None
    volunteers: int = 1


@dataclass(frozen=True, slots=True)
class Top:
    """A group of kinds. `team` takes them unless the area's own team does."""

    key: str
    name: str
    name_en: str
    icon: str
    description: str
    description_en: str
    leaves: tuple[Leaf, ...]
    team: str | None = None


EMERGENCY: Final = frozenset({"emergency"})
SENSITIVE: Final = frozenset({"sensitive"})
EVIDENCE: Final = frozenset({"evidence"})

CATEGORIES: Final = (
    Top(
        "elders",
        "老人关爱",
        "Care for older people",
        "person-heart",
        "探访、陪同、跑腿、手机怎么用",
        "Visits, company, errands, help with the phone",
        (
            Leaf("elder-visit", "独居老人探访", "Visit to somebody living alone",
                 "有人定期来看看、聊聊天", "Somebody comes by and has a chat",
                 "孤寡 空巢 聊天 陪伴 lonely alone", volunteers=2),
            Leaf("doctor", "陪同就医", "Company to the doctor",
                 "陪着去医院挂号、看病、取药", "To the hospital and back, and help with the queue",
                 "看病 医院 挂号 体检 hospital clinic", volunteers=2),
            Leaf("errand", "代买代办", "Shopping and errands",
                 "买菜、缴费、取快递", "Groceries, bills, parcels",
                 "跑腿 买菜 快递 缴费 groceries parcel"),
            Leaf("smartphone", "智能手机教学", "Help with a smartphone",
                 "视频通话、挂号、扫码，一步一步教", "Video calls, bookings, codes: step by step",
                 "微信 扫码 健康码 视频 phone wechat"),
            Leaf("alarm", "紧急呼叫器安装", "Fitting an alarm button",
                 "床头一按就有人应", "One press by the bed and somebody answers",
                 "呼叫 按钮 一键 alarm button"),
        ),
    ),
    Top(
        "children",
        "儿童与青少年",
        "Children and young people",
        "backpack2",
        "作业辅导、陪伴、心里话",
        "Homework, company, somebody to talk to",
        (
            Leaf("homework", "课后辅导", "Help with homework",
                 "周末和假期的功课辅导", "At weekends and in the holidays",
                 "作业 补课 功课 假期 tutor lessons"),
            Leaf("left-behind", "留守儿童陪伴", "Company for a child whose parents work away",
                 "读书、运动、和爸妈视频", "Reading, sport, a call to the parents",
                 "留守 爸妈打工 陪伴 left-behind", marks=SENSITIVE, volunteers=2),
            Leaf("talk", "心理关爱", "Somebody to talk to",
                 "压力大、不开心，想找人说说", "When it gets too much",
                 "心理 压力 焦虑 倾诉 stress worry", marks=SENSITIVE),
            Leaf("school-road", "校园周边安全", "Safety around the school",
                 "上下学路上的隐患", "Dangers on the way to school",
                 "上学 放学 斑马线 护学 crossing", days=3),
        ),
    ),
    Top(
        "repairs",
        "家庭小修",
        "Small repairs at home",
        "tools",
        "水、电、灯、门窗",
        "Water, electricity, lights, doors and windows",
        (
            Leaf("leak", "水管漏水", "Leaking tap or pipe",
                 "龙头、水管、马桶漏水堵塞", "Taps, pipes and toilets",
                 "漏水 堵 马桶 龙头 下水道 tap toilet pipe", marks=EVIDENCE, days=3),
            Leaf("electricity", "用电故障", "Trouble with electricity",
                 "跳闸、插座没电、线路老化", "Fuses, sockets, old wiring",
                 "跳闸 停电 插座 电线 fuse socket", marks=EVIDENCE | EMERGENCY, priority="urgent"),
            Leaf("doors", "门窗灯具", "Doors, windows and lamps",
                 "换灯泡、修门锁、紧窗扇", "A bulb, a lock, a window",
                 "灯泡 门锁 窗户 bulb lock window"),
            Leaf("gas", "燃气安全", "Gas",
                 "软管老化、灶具检查。闻到燃气味请先开窗离开",
                 "Old hoses, checks. If you smell gas, open the windows and leave first",
                 "煤气 天然气 软管 gas smell", marks=EVIDENCE | EMERGENCY, priority="urgent"),
        ),
        team="repairs",
    ),
    Top(
        "surroundings",
        "环境卫生",
        "Clean surroundings",
        "trash3",
        "垃圾、河道、公厕、噪音油烟",
        "Rubbish, streams, toilets, noise",
        (
            Leaf("rubbish", "垃圾清运", "Rubbish not collected",
                 "垃圾堆积、大件垃圾没人收", "Heaps of rubbish, bulky waste",
                 "垃圾 家具 建筑垃圾 waste", marks=EVIDENCE, days=2),
            Leaf("stream", "河道水塘", "Stream or pond",
                 "漂浮物、异味、护栏", "Litter, smell, railings",
                 "河 溪 水塘 臭 river pond smell", marks=EVIDENCE),
            Leaf("toilet", "公厕卫生", "Public toilet",
                 "公厕脏、没水、没灯", "Dirty, no water, no light",
                 "厕所 卫生间 toilet", days=2),
            Leaf("noise", "噪音油烟", "Noise and fumes",
                 "夜间施工、广场舞、餐馆油烟", "Building at night, loud music, kitchen fumes",
                 "噪音 油烟 扰民 施工 noise smoke"),
        ),
        team="repairs",
    ),
    Top(
        "roads",
        "道路与出行",
        "Roads and getting about",
        "signpost-split",
        "路面、路灯、停车、坡道、公交",
        "Potholes, lights, parking, ramps, buses",
        (
            Leaf("pothole", "路面破损", "Damaged road",
                 "坑洼、井盖松动、积水", "Potholes, loose covers, puddles",
                 "坑 井盖 积水 pothole manhole", marks=EVIDENCE),
            Leaf("street-light", "路灯不亮", "Street light out",
                 "告诉我们在哪根灯杆附近", "Tell us near which lamp post",
                 "路灯 黑 灯杆 lamp dark", marks=EVIDENCE, days=3),
            Leaf("parking", "停车问题", "Parking",
                 "占用消防通道、堵住出入口", "Blocked ways and entrances",
                 "停车 堵 占道 car blocked"),
            Leaf("ramp", "无障碍设施", "Ramp or handrail",
                 "坡道、扶手、盲道", "Ramps, handrails, paths for the blind",
                 "轮椅 坡道 扶手 盲道 wheelchair ramp", marks=EVIDENCE, priority="complex"),
            Leaf("bus", "公交出行", "Buses",
                 "线路、站点、班次", "Lines, stops, times", "公交 车站 班车 bus stop",
                 priority="complex"),
        ),
        team="repairs",
    ),
    Top(
        "housing",
        "住房与物业",
        "Housing",
        "building",
        "电梯、物业、屋顶漏雨",
        "Lifts, caretakers, roofs",
        (
            Leaf("lift", "电梯故障", "Lift out of order",
                 "有人被困请先拨打电梯上的救援电话或119", "If somebody is stuck, call 119 first",
                 "电梯 被困 lift elevator stuck", marks=EMERGENCY, priority="urgent"),
            Leaf("caretaker", "物业服务", "Caretaker services",
                 "保洁、门禁、公共灯", "Cleaning, doors, lights in common parts",
                 "物业 保洁 门禁 property"),
            Leaf("roof", "房屋漏雨", "Leaking roof",
                 "屋顶、外墙渗水", "Roofs and outer walls",
                 "漏雨 屋顶 渗水 roof rain", marks=EVIDENCE, priority="complex"),
            Leaf("add-lift", "加装电梯咨询", "Adding a lift to an old house",
                 "怎么申请、补贴多少、邻居不同意怎么办",
                 "How to apply, what is paid, what if neighbours disagree",
                 "加装电梯 老楼 补贴 old building lift", priority="complex"),
        ),
        team="repairs",
    ),
    Top(
        "health",
        "医疗与健康",
        "Health",
        "heart-pulse",
        "慢病随访、送药、辅具",
        "Checks at home, medicine, aids",
        (
            Leaf("check", "慢病随访", "Health check at home",
                 "量血压、测血糖、用药提醒", "Blood pressure, blood sugar, medicine plan",
                 "血压 血糖 高血压 糖尿病 blood pressure", marks=SENSITIVE),
            Leaf("medicine", "送药上门", "Medicine brought home",
                 "凭处方代取、送到家", "Fetched with your prescription",
                 "药 处方 pharmacy prescription", days=2),
            Leaf("aids", "残疾人辅具", "Aids for disabled people",
                 "轮椅、助行器借用与申请", "Wheelchairs and walkers, to borrow or apply for",
                 "轮椅 助听器 拐杖 wheelchair walker", marks=SENSITIVE),
        ),
    ),
    Top(
        "work",
        "就业与创业",
        "Work",
        "briefcase",
        "找工作、学手艺、讨工资",
        "Finding work, learning a trade, unpaid wages",
        (
            Leaf("job", "求职帮助", "Finding a job",
                 "岗位推荐、改简历、练面试", "Openings, your CV, practice for the interview",
                 "工作 简历 招聘 job CV"),
            Leaf("training", "技能培训", "Learning a trade",
                 "免费课程怎么报名", "How to join a free course",
                 "培训 学习 证书 course certificate"),
            Leaf("wages", "工资拖欠", "Unpaid wages",
                 "帮您理清证据、找对部门", "Sorting the evidence, finding the right office",
                 "欠薪 工资 讨薪 劳动仲裁 wages owed", marks=SENSITIVE, priority="urgent"),
            Leaf("start-up", "创业咨询", "Starting a business",
                 "执照、贷款、场地", "Licence, loan, premises",
                 "创业 执照 贷款 business loan"),
        ),
        team="advice",
    ),
    Top(
        "papers",
        "政策与证件",
        "Benefits and papers",
        "file-earmark-text",
        "低保救助、社保医保、证件、补贴",
        "Support, insurance, certificates, subsidies",
        (
            Leaf("support", "低保与救助", "Minimum income and relief",
                 "够不够条件、要哪些材料", "Who can get it, and what to bring",
                 "低保 特困 救助 benefit relief", marks=SENSITIVE, priority="complex"),
            Leaf("insurance", "社保医保", "Pension and health insurance",
                 "缴费、报销、养老认证", "Payments, refunds, proof for the pension",
                 "社保 医保 养老 报销 认证 pension insurance"),
            Leaf("certificate", "证件代办", "Certificates fetched for you",
                 "老年卡、残疾证、居住证", "Senior card, disability card, residence permit",
                 "老年证 残疾证 居住证 身份证 card permit"),
            Leaf("subsidy", "惠农补贴", "Subsidies for farmers",
                 "种粮、农机补贴查询", "Grain and machines: what is due to you",
                 "补贴 种粮 农机 subsidy"),
        ),
        team="advice",
    ),
    Top(
        "farming",
        "农业生产",
        "Farming",
        "flower1",
        "农技、销路、水渠",
        "Advice, sales, water",
        (
            Leaf("farm-advice", "农技指导", "Advice on crops",
                 "病虫害、用药用肥", "Pests, spraying, fertiliser",
                 "病虫 茶树 水稻 pest tea rice"),
            Leaf("farm-sales", "农产品销售", "Selling what you grow",
                 "滞销了帮您找销路", "When nobody comes to buy",
                 "滞销 卖 茶叶 橘子 sell unsold"),
            Leaf("ditch", "灌溉水渠", "Irrigation ditch",
                 "堵塞、渗漏、抢水", "Blocked, leaking, quarrelled over",
                 "水渠 灌溉 抽水 ditch water", marks=EVIDENCE),
        ),
        team="advice",
    ),
    Top(
        "hardship",
        "困难帮扶",
        "Hardship",
        "umbrella",
        "生病、受灾、一时过不去",
        "Illness, disaster, a hard time",
        (
            Leaf("hard-time", "临时困难", "A hard time",
                 "突发疾病、意外，一时周转不开", "Sudden illness, accident, no money for now",
                 "困难 大病 意外 poor ill", marks=SENSITIVE, volunteers=2),
            Leaf("veterans", "军烈属与老党员慰问", "Families of the fallen, old members",
                 "上门看望、代办优抚事项", "Visits, and help with what is due to them",
                 "烈属 军属 老党员 退役 veteran", marks=SENSITIVE, volunteers=2),
            Leaf("disaster", "受灾帮扶", "After a storm, flood or fire",
                 "清淤、搬东西、临时住处", "Clearing mud, carrying, a place to stay",
                 "台风 洪水 火灾 flood fire storm", marks=EMERGENCY, priority="urgent",
                 volunteers=4),
        ),
        team="advice",
    ),
    Top(
        "neighbours",
        "邻里与安全",
        "Neighbours and safety",
        "people",
        "调解、消防、防骗、寻人",
        "Quarrels, fire safety, fraud, missing people",
        (
            Leaf("quarrel", "邻里纠纷", "A quarrel between neighbours",
                 "请人来评评理、说说和", "Somebody to listen to both sides",
                 "纠纷 吵架 调解 quarrel mediation", marks=SENSITIVE),
            Leaf("fire-safety", "消防隐患", "Fire hazard",
                 "楼道堆物、飞线充电。着火请先拨打119", "Blocked stairs, charging cables. Fire: call 119",
                 "楼道 充电 电动车 灭火器 e-bike stairs", marks=EVIDENCE | EMERGENCY,
                 priority="urgent"),
            Leaf("fraud", "防诈骗", "Fraud",
                 "接到可疑电话、已经转账怎么办。正在被骗请先拨打110",
                 "A strange call, or money already sent. If it is happening now, call 110",
                 "诈骗 转账 电话 scam fraud", marks=EMERGENCY, priority="urgent"),
            Leaf("missing", "老人走失", "An older person is missing",
                 "请同时拨打110报警", "Call 110 as well",
                 "走丢 失踪 找人 missing lost", marks=EMERGENCY, priority="emergency",
                 volunteers=6),
        ),
    ),
    Top(
        "volunteering",
        "志愿服务活动",
        "Volunteer service",
        "megaphone",
        "节日慰问、清洁行动、政策宣讲",
        "Festival visits, clean-ups, talks",
        (
            Leaf("festival", "节日慰问", "Festival visit",
                 "过节来看看家里的老人", "Somebody comes by at the festival",
                 "过节 春节 重阳 festival", volunteers=2),
            Leaf("clean-up", "清洁行动", "Clean-up",
                 "大家动手清理一处角落", "Many hands tidy one place",
                 "大扫除 捡垃圾 clean", volunteers=5),
            Leaf("lecture", "政策宣讲", "A talk in your neighbourhood",
                 "请人来讲讲政策、防骗、急救", "On policy, fraud or first aid",
                 "讲座 宣讲 急救 talk first aid"),
        ),
    ),
    Top(
        "other",
        "其他",
        "Something else",
        "chat-square-text",
        "不知道归哪一类，就选这里",
        "If nothing else fits",
        (
            Leaf("other", "其他诉求", "Something else",
                 "直接说您的事，我们来分", "Just tell us; we find who can help"),
        ),
    ),
)
